/**
 * What a terminal would show after more text has come: carriage returns and backspaces of progress bars resolved,
 * so that an hour of tqdm is stored as one line.
 */

const ESCAPE = '\u001b'
// Colours and cursor movements as IPython writes them into tracebacks.
const ANSI = new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]`, 'g')

/**
 * A line of more characters is left as it stands: rewriting one of megabytes for each of a thousand short messages
 * kept the service from everything else for half a minute.
 */
const MAX_LINE = 64 * 1024

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

const resolve = (text: string) => text.replaceAll(/\r+\n/g, '\n').split('\n').map(resolveLine).join('\n')

/** The text without colours, for log files. */
export const withoutColours = (text: string) => text.replaceAll(ANSI, '')

function resolveLine(line: string): string {
  const pending = line.endsWith('\r') ? '\r' : ''
  const passes = line.split('\r').map(eraseBackspaced)
  return passes.reduce((under, over) => overwrite(under, over), '') + pending
}

/** A shorter text leaves the end of the longer one standing. Escapes have no width, so such a line is replaced whole. */
function overwrite(under: string, over: string): string {
  if (over === '') return under
  if (under.includes(ESCAPE) || over.includes(ESCAPE)) return over
  return over + under.slice(over.length)
}

function eraseBackspaced(text: string): string {
  if (!text.includes('\b')) return text
  const kept: string[] = []
  for (const character of text) {
    if (character === '\b') kept.pop()
    else kept.push(character)
  }
  return kept.join('')
}
