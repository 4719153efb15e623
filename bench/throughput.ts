/**
 * How many short executions are finished in a second when many wait: 200 trivial ones through the API, beside
 * papermill's rate in the same run; how long the service's event loop was held up meanwhile, and what an idle spare takes.
 */

import { setTimeout } from 'node:timers/promises'
import { TRIVIAL } from './notebooks.ts'
import { ask, DELAY_WINDOW_MS, executeOnce, loopDelayMs, openOurs, seeEnd } from './ours.ts'
import { openPeers, type Peers } from './peers.ts'
import { availableMb, cpuMs, descendantsWith } from './processes.ts'
import { atLeast, atMost, type Report } from './report.ts'

const QUEUED = 200
/** Requests under way at the same time while the queue is filled. */
const ASKING = 8
const PEER_RUNS = 12
const PEER_CONCURRENCY = [2, 3, 4]
const SPARES = 16
/** The last one queued is looked for this often: the looks themselves must not be the load. */
const LOOK_MS = 50
const SETTLE_MS = 4000

/** `rounds` is not used: one queue of 200 is a measurement. */
export async function benchThroughput(): Promise<Report> {
  const peer = await peerRate()
  const queue = await fillAndDrain()
  const spareMb = await memoryOfSpare()
  return {
    name: 'throughput',
    says: `${QUEUED} trivial executions, from the first request until the last has ended`,
    tables: [
      {
        head: ['', 'finished per second'],
        rows: [
          ['ours', queue.perSecond],
          ...peer.rates.map(({ at, perSecond }) => [`papermill, ${at} at a time`, perSecond]),
        ],
      },
      {
        head: ['of the service', ''],
        rows: [
          ['CPU for each execution, ms (without kernels and database)', queue.cpuMs],
          ['longest delay of its event loop, ms', queue.delayMs],
          ['memory of one idle spare, MB (MemAvailable)', spareMb ?? 'there are none'],
        ],
      },
    ],
    bars: [
      atLeast('finished per second', queue.perSecond, 30, ''),
      atMost('longest delay of the event loop', queue.delayMs, 50, 'ms'),
    ],
    notes: [
      ...(peer.best > 0 ? [`${(queue.perSecond / peer.best).toFixed(1)} times papermill at its best.`] : []),
      ...(peer.missing ? [peer.missing] : []),
    ],
  }
}

async function fillAndDrain(): Promise<{ perSecond: number; cpuMs: number; delayMs: number }> {
  await using ours = await openOurs()
  const { client, pid } = ours
  const ids = await ours.prepare(TRIVIAL)
  for (let warm = 0; warm < 5; warm++) await executeOnce(client, ids)
  await setTimeout(DELAY_WINDOW_MS) // its start has to be out of sight
  const cpuBefore = await cpuMs(pid)
  const from = Date.now()
  const executions: string[] = []
  let left = QUEUED
  const asking = async () => {
    while (left-- > 0) executions.push(await ask(client, ids))
  }
  await Promise.all(Array.from({ length: ASKING }, asking))
  // The one queued last ends last, or nearly. The end is taken from the log: 200 looks would take a while themselves.
  const ends: number[] = []
  for (const id of executions.toReversed()) {
    const { outputsCompletedAt = '' } = await seeEnd(client, ids, id, LOOK_MS)
    ends.push(Date.parse(outputsCompletedAt))
  }
  const tookMs = Math.max(...ends) - from
  return {
    perSecond: (QUEUED / tookMs) * 1000,
    cpuMs: ((await cpuMs(pid)) - cpuBefore) / QUEUED,
    delayMs: await loopDelayMs(ours),
  }
}

interface PeerRate {
  readonly rates: readonly { at: number; perSecond: number }[]
  /** Of the best concurrency; 0 when papermill is left out. */
  readonly best: number
  readonly missing: string | undefined
}

async function peerRate(): Promise<PeerRate> {
  await using peers = await openPeers('')
  if (!peers.names.includes('papermill')) return { rates: [], best: 0, missing: peers.missing }
  await peers.run('papermill', TRIVIAL)
  const rates = []
  for (const at of PEER_CONCURRENCY) rates.push({ at, perSecond: await rateOf(peers, at) })
  return { rates, best: Math.max(...rates.map(({ perSecond }) => perSecond)), missing: undefined }
}

async function rateOf(peers: Peers, concurrency: number): Promise<number> {
  let left = PEER_RUNS
  const from = performance.now()
  const running = async () => {
    while (left-- > 0) await peers.run('papermill', TRIVIAL)
  }
  await Promise.all(Array.from({ length: concurrency }, running))
  return (PEER_RUNS / (performance.now() - from)) * 1000
}

/** What the machine has left with few and with many spares; undefined where nothing is kept warm. */
async function memoryOfSpare(): Promise<number | undefined> {
  const few = await availableWith(0)
  const many = await availableWith(SPARES)
  const spares = many.processes - few.processes
  return spares > 0 ? (few.availableMb - many.availableMb) / SPARES : undefined
}

async function availableWith(spares: number): Promise<{ availableMb: number; processes: number }> {
  await using ours = await openOurs({ FIELDBOOK_SPARES: String(spares) })
  await executeOnce(ours.client, await ours.prepare(TRIVIAL))
  await setTimeout(SETTLE_MS)
  const processes = (await descendantsWith(ours.pid, 'fork_server')).length
  return { availableMb: await availableMb(), processes }
}
