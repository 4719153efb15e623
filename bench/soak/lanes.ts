/** The clients of the soak: each asks for a run, perhaps cancels it, and waits for its end, whatever happens to the service. */

import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiFailure, type Client } from '../../client/client.ts'
import {
  cancelExecution,
  type ExecutionStatus,
  executeNotebook,
  getExecution,
  getLogs,
} from '../../contract/executions.ts'
import type { ReplyOf } from '../../contract/route.ts'
import type { Chance } from './chance.ts'
import { KINDS, type Kind, type Workplace } from './work.ts'

export type Seen = ReplyOf<typeof getExecution>

export interface Run {
  /** Names the row and the file that it leaves. */
  readonly token: string
  readonly kind: Kind
  executionId: string | undefined
  /** Every final status that was ever seen of it. */
  readonly endings: Set<ExecutionStatus>
  last: Seen | undefined
}

export interface Lanes {
  readonly runs: readonly Run[]
  /** Requests that got no answer and left nothing behind. */
  readonly refused: number
  /** Resolves when every run that was asked for has ended, or the time is up. */
  finish(limitMs: number): Promise<void>
}

const FINAL = new Set<ExecutionStatus>(['completed', 'errored', 'timeout', 'canceled'])
const LOOK_MS = 150
const AGAIN_MS = 250

export const isFinal = (status: ExecutionStatus | undefined) => status !== undefined && FINAL.has(status)

/** Starts `count` clients, which go on until `finish`. */
export function openLanes(client: Client, place: Workplace, chance: Chance, count: number): Lanes {
  const runs: Run[] = []
  const [noMore, tooLate] = [new AbortController(), new AbortController()]
  let refused = 0

  const oneRun = async () => {
    const kind = chance.pick(KINDS)
    const run: Run = {
      token: randomBytes(6).toString('hex'),
      kind,
      executionId: undefined,
      endings: new Set(),
      last: undefined,
    }
    run.executionId = await ask(client, place, run, tooLate.signal)
    if (!run.executionId) {
      refused += 1
      return
    }
    runs.push(run)
    if (kind.cancelWithinMs) await cancel(client, place, run, chance.between(0, kind.cancelWithinMs), tooLate.signal)
    while (!isFinal(run.last?.status) && !tooLate.signal.aborted) {
      await pause(LOOK_MS)
      await look(client, place, run)
    }
  }
  const lane = async () => {
    while (!noMore.signal.aborted) await oneRun()
  }
  const lanes = Promise.all(Array.from({ length: count }, lane))
  lanes.catch(() => {}) // told by finish
  return {
    runs,
    get refused() {
      return refused
    },
    finish: async (limitMs) => {
      noMore.abort()
      const timer = setTimeout(() => tooLate.abort(), limitMs)
      await lanes
      clearTimeout(timer)
    },
  }
}

/** Reads an execution; a service that is away is asked again later. */
export async function look(client: Client, place: Workplace, run: Run): Promise<void> {
  try {
    run.last = await client.call(getExecution, {
      params: { ...paramsOf(place, run), executionId: run.executionId ?? '' },
    })
    if (isFinal(run.last.status)) run.endings.add(run.last.status)
  } catch (error) {
    if (!isAway(error)) throw error
    await pause(AGAIN_MS)
  }
}

/** A request whose answer was lost may have been heard: the list of executions knows. Undefined when it was not. */
async function ask(client: Client, place: Workplace, run: Run, tooLate: AbortSignal): Promise<string | undefined> {
  try {
    const body = { templateContext: JSON.stringify({ run: run.token }) }
    return (await client.call(executeNotebook, { params: paramsOf(place, run), body })).executionId
  } catch (error) {
    if (!isAway(error)) throw error
  }
  while (!tooLate.aborted) {
    await pause(AGAIN_MS)
    try {
      const logs = await client.call(getLogs, { params: paramsOf(place, run), query: { limit: '50' } })
      return logs.find(({ templateContext }) => templateContext?.includes(run.token))?.id
    } catch (error) {
      if (!isAway(error)) throw error
    }
  }
  return undefined
}

/** Asks until it was heard; one that has ended already answers 404. */
async function cancel(
  client: Client,
  place: Workplace,
  run: Run,
  afterMs: number,
  tooLate: AbortSignal,
): Promise<void> {
  await pause(afterMs)
  while (!tooLate.aborted) {
    try {
      await client.call(cancelExecution, {
        params: paramsOf(place, run),
        query: { executionId: run.executionId ?? '' },
      })
      return
    } catch (error) {
      if (error instanceof ApiFailure && error.status === 404) return
      if (!isAway(error)) throw error
      await pause(AGAIN_MS)
    }
  }
}

const paramsOf = (place: Workplace, { kind }: Run) => ({
  applicationId: place.applicationId,
  notebookId: place.notebookIds.get(kind.name) ?? '',
})

/** Connections that break, and a service that says it is away. Any other answer is a finding. */
const isAway = (error: unknown) => !(error instanceof ApiFailure) || error.status === 503
