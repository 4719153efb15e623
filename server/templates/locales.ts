/** The locales dates can be written in: those Moment brings along, each loaded when it is first asked for. */

const KNOWN = new Set(
  `af am-et ar ar-dz ar-kw ar-ly ar-ma ar-ps ar-sa ar-tn az be bg bm bn bn-bd bo br bs ca cs cv cy da de de-at de-ch dv el
  en en-au en-ca en-gb en-ie en-il en-in en-nz en-sg eo es es-do es-mx es-us et eu fa fi fil fo fr fr-ca fr-ch fy ga gd gl
  gom-deva gom-latn gu he hi hr hu hy-am id is it it-ch ja jv ka kk km kn ko ku ku-kmr ky lb lo lt lv me mi mk ml mn mr ms
  ms-my mt my nb ne nl nl-be nn oc-lnc pa-in pl ps pt pt-br ro ru sd se si sk sl sq sr sr-cyrl ss sv sw ta te tet tg th tk
  tl-ph tlh tr tzl tzm tzm-latn ug-cn uk ur uz uz-latn vi yo zh-cn zh-hk zh-mo zh-tw`.split(/\s+/),
)

/** The known locale nearest to the name: `de-DE` is `de`. English for what is unknown. */
export function knownLocale(name: unknown): string {
  if (typeof name !== 'string') return 'en'
  const parts = name.slice(0, 20).toLowerCase().replaceAll('_', '-').split('-')
  for (let length = parts.length; length > 0; length -= 1) {
    const candidate = parts.slice(0, length).join('-')
    if (KNOWN.has(candidate)) return candidate
  }
  return 'en'
}
