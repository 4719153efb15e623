// The font settings of the browser: where fonts lie inside its sandbox, and which stand in for which.
import { join } from 'node:path'

/** Regular text first, then what has Chinese, Japanese and Korean, then pictures. */
const FAMILIES = {
  'sans-serif': ['Inter', 'Noto Sans', 'Liberation Sans', 'DejaVu Sans', 'Open Sans'],
  serif: ['Noto Serif', 'Liberation Serif', 'DejaVu Serif'],
  monospace: ['Noto Sans Mono', 'Liberation Mono', 'DejaVu Sans Mono'],
}
const EVERY_SCRIPT = ['Noto Sans CJK SC', 'Source Han Sans SC', 'WenQuanYi Micro Hei', 'Droid Sans Fallback']
const PICTURES = ['Noto Color Emoji']

/** The text of a fonts.conf with the system's folders and `folders`; the list it makes of them lives as long as the browser. */
export function fontSettings(folders) {
  const places = ['/usr/share/fonts', '/usr/local/share/fonts', ...folders]
  const aliases = Object.entries(FAMILIES).map(([generic, families]) =>
    alias(generic, [...families, ...EVERY_SCRIPT, ...PICTURES]),
  )
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    ...places.map((place) => `<dir>${escaped(place)}</dir>`),
    '<cachedir>/tmp/fontconfig</cachedir>',
    ...aliases,
    '</fontconfig>',
    '',
  ].join('\n')
}

/** The path of fonts.conf and of the folders it names, below the browser's own folder. */
export const fontPlaces = (home) => ({
  settings: join(home, 'fonts.conf'),
  folders: [join(home, 'fonts'), join(home, 'npm', 'fonts')],
})

const alias = (generic, families) =>
  `<alias><family>${generic}</family><prefer>${families.map((family) => `<family>${family}</family>`).join('')}</prefer></alias>`

const escaped = (path) => path.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
