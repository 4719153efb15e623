// Tells a person how far a step is: one line that is rewritten on a terminal; elsewhere a line at the start,
// about every ten seconds, and at the end.
const stream = process.stderr
const LOG_EVERY_MS = 10_000
const REWRITE_EVERY_MS = 250

/** Opens the progress of one step; `say` names what it does now, `done` or `warn` ends it, `drop` ends it silently. */
export function openProgress(label) {
  const startedAt = Date.now()
  let doing = ''
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  const show = stream.isTTY ? rewrite : write
  const running = () => show(`${label}: ${doing} (${seconds()} s)`)
  const timer = setInterval(running, stream.isTTY ? REWRITE_EVERY_MS : LOG_EVERY_MS)
  const end = (text) => {
    clearInterval(timer)
    if (stream.isTTY) stream.write('\r\x1b[K')
    if (text) write(text)
  }
  return {
    say(text) {
      const isFirst = doing === ''
      doing = text
      if (stream.isTTY) running()
      else if (isFirst) write(`${label}: ${text} …`)
    },
    done: (summary) => end(`${label}: ${summary} (${seconds()} s)`),
    warn: (problem) => end(`${label}: warning: ${problem}`),
    drop: () => end(''),
  }
}

function write(text) {
  stream.write(`${text}\n`)
}

/** Replaces the current line; a text wider than the terminal is cut, as a wrapped line cannot be rewritten. */
function rewrite(text) {
  stream.write(`\r\x1b[K${text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`)
}
