/** The header that tells a browser the name to save a file under (RFC 6266), for names of any characters. */

/** Bytes of a name: what file systems take, and little enough for the headers that proxies take. */
const MAX_BYTES = 255

/** Shown rather than saved, where the browser can. A name with slashes is that of the file at its end. */
export function inlineAs(name: string): string {
  const text = shortened(name.toWellFormed().split('/').at(-1) || 'file')
  const plain = text.replace(UNQUOTABLE, '_')
  const whole = plain === text ? '' : `; filename*=UTF-8''${encoded(text)}`
  return `inline; filename="${plain}"${whole}`
}

/** Whatever not every client reads alike between quotes: escapes, percent signs (RFC 6266 appendix D), all beyond ASCII. */
const UNQUOTABLE = /[^ -~]|["\\%]/gu

/** RFC 8187 §3.2.1: encodeURIComponent leaves four characters that have to be written as their bytes. */
const encoded = (text: string) =>
  encodeURIComponent(text).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** Cut before its ending, so that it goes on saying what it is. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name
  const [ending = ''] = /\.[^.]{1,16}$/u.exec(name) ?? []
  let [kept, bytes] = ['', Buffer.byteLength(ending)]
  for (const character of name) {
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_BYTES) break
    kept += character
  }
  return kept + ending
}
