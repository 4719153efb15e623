/**
 * What a cell costs, and whether large notebooks cost in proportion: half and the whole of 5,000 cells and of 50 MB of
 * output, and the memory of the service while they run.
 */

import { type BenchNotebook, many, printing } from './notebooks.ts'
import { executeOnce, type Ours, openOurs } from './ours.ts'
import { forgetPeak, residentMb } from './processes.ts'
import { atMost, type Bar, type Report } from './report.ts'

const THOUSAND = 1000
/** Twice the work may take this many times as long: a quadratic part would show as up to 4. */
const LINEAR = 2.4
const PAIRS = [
  [many(2500), many(5000)],
  [printing(25), printing(50)],
] as const

interface Large {
  readonly name: string
  readonly tookMs: number
  readonly beforeMb: number
  readonly peakMb: number
}

/** Each notebook `rounds` times (at most 3); the fastest counts. */
export async function benchCells(rounds: number): Promise<Report> {
  await using ours = await openOurs()
  const times = Math.min(rounds, 3)
  const thousand = await measure(ours, many(THOUSAND), times)
  const large: Large[] = [thousand]
  const bars: Bar[] = [atMost('one of 1,000 cells', thousand.tookMs / THOUSAND, 1.5, 'ms')]
  for (const [half, whole] of PAIRS) {
    const [a, b] = [await measure(ours, half, times), await measure(ours, whole, times)]
    large.push(a, b)
    bars.push(atMost(`${b.name}, times ${a.name}`, b.tookMs / a.tookMs, LINEAR, '×'))
  }
  return {
    name: 'cells',
    says: `POST execute until the final status is seen, the fastest of ${times}`,
    tables: [
      {
        head: ['', 'ms', 'service before, MB', 'its peak, MB'],
        rows: large.map(({ name, tookMs, beforeMb, peakMb }) => [name, tookMs, beforeMb, peakMb].map(rounded)),
      },
    ],
    bars,
    notes: ['Memory is what is resident of the service process, which holds the notebook while it runs.'],
  }
}

const rounded = (cell: string | number) => (typeof cell === 'number' ? Math.round(cell) : cell)

async function measure({ client, pid, prepare }: Ours, notebook: BenchNotebook, times: number): Promise<Large> {
  const ids = await prepare(notebook)
  const took: number[] = []
  let [beforeMb, peakMb] = [0, 0]
  for (let time = 0; time < times; time++) {
    await forgetPeak(pid)
    const { now } = await residentMb(pid)
    took.push((await executeOnce(client, ids)).tookMs)
    const { peak } = await residentMb(pid)
    if (peak > peakMb) [beforeMb, peakMb] = [now, peak]
  }
  return { name: notebook.name, tookMs: Math.min(...took), beforeMb, peakMb }
}
