/**
 * What a terminal would show after more text has come: carriage returns and backspaces of progress bars resolved,
 * so that an hour of tqdm is stored as one line.
 */

const ESCAPE = '\u001b'
// Colours and cursor movements as IPython writes them into tracebacks.
const ANSI = new RegExp(`${ESCAPE}\\[[0-9;?]*[ -/]*[@-~]`, 'g')

/** `shown` must itself be a result of this function; a return at its very end waits for what follows. */
export function appendAsTerminal(shown: string, added: string): string {
  if (!added.includes('\r') && !added.includes('\b') && !shown.endsWith('\r')) return shown + added
  const lineStart = shown.lastIndexOf('\n') + 1
  const lines = (shown.slice(lineStart) + added).replaceAll(/\r+\n/g, '\n').split('\n')
  return shown.slice(0, lineStart) + lines.map(resolveLine).join('\n')
}

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
