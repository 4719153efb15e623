/** What a command shows: a line that is rewritten while work goes on, or plain lines where nobody watches a terminal. */

export interface LiveLine {
  /** Replaces what the line says; on something else than a terminal only news is printed. */
  show(text: string): void
  /** Leaves the last text standing and goes on below it. */
  end(text?: string): void
}

/** A line on stdout. */
export function createLiveLine(out: NodeJS.WriteStream = process.stdout): LiveLine {
  let shown = ''
  const show = (text: string) => {
    if (text === shown) return
    shown = text
    if (out.isTTY) out.write(`\r\u001B[2K${text.slice(0, (out.columns || 80) - 1)}`)
    else out.write(`${text}\n`)
  }
  return {
    show,
    end: (text) => {
      if (text !== undefined) show(text)
      if (out.isTTY) out.write('\n')
      shown = ''
    },
  }
}

/** Seconds of milliseconds, for people: `0.42 s`. */
export const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
