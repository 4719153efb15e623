/**
 * What a terminal would show after more text has come: carriage returns and backspaces of progress bars resolved,
 * so that an hour of tqdm is stored as one line.
 */

const ESCAPE = '\u001b'
// Colours and cursor movements as IPython writes them into tracebacks.
const ANSI = new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]`, 'g')

/**
 * A line of more characters is left as it stands, its returns with it: rewriting one of megabytes for each of a thousand
 * short messages kept the service from everything else for half a minute. Progress bars are far shorter.
 */
const MAX_LINE = 4096

export interface Written {
  /** What can change no more: goes behind what was settled before. */
  readonly settled: string
  /** The current line, given back with the next text. A return at its very end waits for what follows. */
  readonly line: string
}

/** The current line after more text has come to it. */
export function writeToTerminal(line: string, added: string): Written {
  const rewrites = added.includes('\r') || added.includes('\b') || line.endsWith('\r')
  const text = rewrites ? resolve(line + added) : line + added
  const lineStart = text.lastIndexOf('\n') + 1
  return text.length - lineStart > MAX_LINE
    ? { settled: text, line: '' }
    : { settled: text.slice(0, lineStart), line: text.slice(lineStart) }
}

/** The text without colours, for log files. */
export const withoutColours = (text: string) => text.replaceAll(ANSI, '')

/**
 * Resolves the lines that have something to resolve. Every step is bounded by what it reads, also for a hundred megabytes
 * of nothing but returns.
 */
function resolve(text: string): string {
  // In two steps: one expression for both would search a run of returns again from each of them.
  const source = text.replaceAll(/\r{2,}/g, '\r').replaceAll('\r\n', '\n')
  const control = /[\r\b]/g
  const resolved: string[] = []
  let from = 0
  for (;;) {
    control.lastIndex = from
    const found = control.exec(source)
    if (!found) return resolved.join('') + source.slice(from)
    const start = Math.max(from, source.lastIndexOf('\n', found.index) + 1)
    const newline = source.indexOf('\n', found.index)
    const end = newline < 0 ? source.length : newline
    resolved.push(source.slice(from, start), resolveLine(source.slice(start, end)))
    from = end
  }
}

function resolveLine(line: string): string {
  const settled: string[] = []
  let shown = ''
  let from = 0
  for (;;) {
    const end = line.indexOf('\r', from)
    const pass = eraseBackspaced(line.slice(from, end < 0 ? line.length : end))
    if (shown.length > MAX_LINE && pass.length > 0 && pass.length < shown.length) {
      settled.push(shown, '\r')
      shown = pass
    } else shown = overwrite(shown, pass)
    if (end < 0) break
    from = end + 1
  }
  const pending = line.endsWith('\r') ? '\r' : ''
  return settled.join('') + shown + pending
}

/** A shorter text leaves the end of the longer one standing. Escapes have no width, so such a line is replaced whole. */
function overwrite(under: string, over: string): string {
  if (over === '') return under
  if (over.length >= under.length || under.includes(ESCAPE) || over.includes(ESCAPE)) return over
  return over + under.slice(over.length)
}

/** Takes away the character before each backspace; those at the beginning have none to take. */
function eraseBackspaced(text: string): string {
  if (!text.includes('\b')) return text
  const kept: string[] = []
  for (let from = 0; ; eraseLast(kept)) {
    const end = text.indexOf('\b', from)
    if (end !== from) kept.push(end < 0 ? text.slice(from) : text.slice(from, end))
    if (end < 0) return kept.join('')
    from = end + 1
  }
}

/** The last character of a list of texts that are not empty: two units where it is a surrogate pair. */
function eraseLast(texts: string[]): void {
  const last = texts.pop()
  if (last === undefined) return
  const rest = last.slice(0, last.length - (/[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(last.slice(-2)) ? 2 : 1))
  if (rest !== '') texts.push(rest)
}
