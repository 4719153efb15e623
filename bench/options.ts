/** What a benchmark can be told on the command line. */

/** What is left out takes the size that the bars of the benchmark are about. */
export interface BenchOptions {
  /** How often each contestant is measured, after one time that does not count. */
  readonly rounds: number | undefined
  /** How many rows, states or executions, for a run that is small and quick and proves nothing about the bars. */
  readonly rows: number | undefined
}

/** A whole number from 1 on. @throws naming the option */
export function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text.replaceAll('_', ''))
  if (Number.isSafeInteger(count) && count >= 1) return count
  throw new Error(`--${option} is "${text}"; it must be a whole number from 1 on`)
}
