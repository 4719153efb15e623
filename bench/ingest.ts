/**
 * How fast a service takes in what devices report: batches of 100 states of five attributes over 16 connections, each
 * answered when it is durable; how long the requests waited, and how long the service's event loop was held up.
 */

import { setTimeout } from 'node:timers/promises'
import type { Client } from '../client/client.ts'
import { createApplication } from '../contract/applications.ts'
import { createDevice } from '../contract/devices.ts'
import { getState } from '../contract/states.ts'
import { createGate } from './idle.ts'
import { median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { DELAY_WINDOW_MS, loopDelayMs, openOurs } from './ours.ts'
import { cpuMs } from './processes.ts'
import { type Batch, type Pumped, pump, quantile } from './pump.ts'
import { atLeast, atMost, type Report } from './report.ts'
import { ATTRIBUTES, statesOf } from './states.ts'

const CONNECTIONS = 16
const DEVICES = 100
const BATCH = 100
const STATES = 500_000
const ROUNDS = 3
/** Before the rounds; the code is then compiled and the sessions are open. */
const WARM_UP_SHARE = 0.1
/** More often than its window is long. */
const LOOK_MS = 5000

interface Fleet {
  readonly applicationId: string
  readonly deviceIds: readonly string[]
}

interface Round extends Pumped {
  readonly delayMs: number
  readonly cpuMs: number
}

/** `rows` is the number of states of a round. */
export async function benchIngest(options: BenchOptions): Promise<Report> {
  const states = options.rows ?? STATES
  const gate = createGate()
  await using ours = await openOurs()
  const fleet = await makeFleet(ours.client)
  // Yesterday and what follows: every state is new, and none is ahead of the clock by a day.
  let next = Date.now() - 24 * 3_600_000
  const batchesOf = (count: number): Batch[] => {
    const made = Array.from({ length: Math.ceil(count / BATCH) }, (_, index) => batchOf(fleet, index, next))
    next += BATCH * Math.ceil(made.length / DEVICES)
    return made
  }
  await pump(ours.client, batchesOf(states * WARM_UP_SHARE), CONNECTIONS)
  await setTimeout(DELAY_WINDOW_MS) // the service's start has to be out of sight
  const rounds: Round[] = []
  for (let round = 0; round < (options.rounds ?? ROUNDS); round++) {
    const batches = batchesOf(states)
    await gate.pass()
    rounds.push(await watched(ours, () => pump(ours.client, batches, CONNECTIONS)))
  }
  await requireNewest(ours.client, fleet, next - 1)
  return report(states, rounds, gate.told)
}

async function makeFleet(client: Client): Promise<Fleet> {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'ingest' } })
  const deviceIds: string[] = []
  for (let device = 0; device < DEVICES; device++) {
    const body = { name: `device ${device}`, attributes: ATTRIBUTES }
    deviceIds.push((await client.call(createDevice, { params: { applicationId }, body })).id)
  }
  return { applicationId, deviceIds }
}

/** 100 states of one device, a millisecond apart; the devices take turns. */
function batchOf({ applicationId, deviceIds }: Fleet, index: number, from: number): Batch {
  const start = from + BATCH * Math.floor(index / DEVICES)
  const states = statesOf(start, 1, BATCH)
  const path = `/applications/${applicationId}/devices/${deviceIds[index % DEVICES]}/state`
  return { path, body: Buffer.from(JSON.stringify(states)), states: BATCH }
}

async function watched(ours: { client: Client; pid: number }, work: () => Promise<Pumped>): Promise<Round> {
  const cpuBefore = await cpuMs(ours.pid)
  const delays: number[] = []
  const looking = setInterval(() => {
    loopDelayMs(ours).then(
      (delay) => delays.push(delay),
      () => {}, // the last look, below, has to succeed
    )
  }, LOOK_MS)
  try {
    const pumped = await work()
    delays.push(await loopDelayMs(ours))
    return { ...pumped, delayMs: Math.max(...delays), cpuMs: (await cpuMs(ours.pid)) - cpuBefore }
  } finally {
    clearInterval(looking)
  }
}

/** What was answered is there: the newest state of every device is the last one sent. @throws when it is not */
async function requireNewest(client: Client, { applicationId, deviceIds }: Fleet, newest: number): Promise<void> {
  for (const deviceId of deviceIds) {
    const [state] = await client.call(getState, { params: { applicationId, deviceId }, query: { limit: '1' } })
    const found = Date.parse(String(state?.time))
    if (found < newest - BATCH) throw new Error(`device ${deviceId} has nothing after ${state?.time}`)
  }
}

function report(states: number, rounds: readonly Round[], told: string): Report {
  const middle = (of: (round: Round) => number) => median(rounds.map(of).toSorted((a, b) => a - b))
  const rate = (round: Round) => (round.states / round.tookMs) * 1000
  const rows = rounds.map((round, index) => [
    index + 1,
    rate(round),
    quantile(round.waitsMs, 0.5),
    quantile(round.waitsMs, 0.99),
    round.waitsMs.at(-1) ?? 0,
    round.delayMs,
    (round.cpuMs / round.states) * 1000,
  ])
  return {
    name: 'ingest',
    says: `${rounds.length} rounds of ${states} states over HTTP, ${BATCH} of one device in a request, ${CONNECTIONS} connections, ${DEVICES} devices of ${ATTRIBUTES.length} attributes`,
    tables: [
      {
        head: [
          'round',
          'states/s',
          'wait p50, ms',
          'p99',
          'longest',
          'loop held up, ms',
          'CPU of the service, µs/state',
        ],
        rows,
      },
    ],
    bars: [
      atLeast('states a second, durable (median)', middle(rate), 20_000, ''),
      atMost(
        '99 of 100 requests wait (worst round)',
        Math.max(...rounds.map((r) => quantile(r.waitsMs, 0.99))),
        250,
        'ms',
      ),
      atMost('longest delay of the event loop (all rounds)', Math.max(...rounds.map((r) => r.delayMs)), 50, 'ms'),
    ],
    notes: [
      'Client, service and PostgreSQL share the machine; fsync and synchronous_commit are on. Sealing goes on meanwhile.',
      'Afterwards the newest state of every device was among the last ones sent.',
      told,
    ],
  }
}
