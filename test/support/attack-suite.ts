/** Runs every attack through the public API of one service, two at a time, beside a neighbour that must come to no harm. */

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import type { ExecutionLog } from '../../contract/executions.ts'
import { putLimits } from '../../contract/limits.ts'
import type { NotebookOutput } from '../../contract/notebook-files.ts'
import type { Notebook } from '../../contract/notebooks.ts'
import { type Attack, NEIGHBOUR, readAttacks } from './attacks.ts'
import { type Official, signInOfficially } from './official.ts'
import { pidsWith } from './pids.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from './service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from './steps.ts'
import { type Traces, tracesOf } from './traces.ts'

/** Low, so that bombs are quick; a kernel with the usual libraries needs less. */
const LIMITS = {
  FIELDBOOK_RUN_MEMORY: '256MiB',
  FIELDBOOK_RUN_PROCESSES: '64',
  FIELDBOOK_OUTPUT_SIZE: '40MB',
  FIELDBOOK_OUTPUT_FILES: '1000',
  FIELDBOOK_TEMPORARY_SIZE: '30MB',
  FIELDBOOK_TEMPORARY_FILES: '2000',
  FIELDBOOK_RUN_MINUTES: '1',
  FIELDBOOK_SLOTS: '3',
}

/** A fork server that fails at first is started again within seconds. */
const READY_MS = 30_000

interface Sandbox {
  readonly level: number
  readonly name: string
}

export interface SuiteOptions {
  /** How the service gets its kernels. */
  readonly forking: 'on' | 'off'
  /** Further settings of the service. */
  readonly env?: Readonly<Record<string, string>>
  /** Threats that another suite has covered as well as this one could. */
  readonly without?: readonly number[]
}

/** Registers the tests. */
export async function attackSuite({ forking, env = {}, without = [] }: SuiteOptions): Promise<void> {
  const attacks = (await readAttacks()).filter(({ threats }) => !threats.every((threat) => without.includes(threat)))
  const parts = new AsyncDisposableStack()
  let service: RunningService
  let losant: Official
  let client: Client
  let sandbox: Sandbox
  let applicationId: string
  let ears: Ears
  let atFirst: Traces
  let neighbours: Neighbours

  before(async () => {
    service = parts.use(await startService({ env: { ...LIMITS, ...env, FIELDBOOK_FORK_SERVER: forking } }))
    losant = await signInOfficially(service.url, EMAIL, PASSWORD)
    client = await signIn(service.url, EMAIL, PASSWORD)
    sandbox = await readyAs(service.url, forking)
    applicationId = (await makeApplication(losant)).id
    ears = parts.use(await openEars())
    const neighbour = await makeNotebook(losant, applicationId, { name: 'neighbour' }, ...NEIGHBOUR)
    await requireUnharmed(losant, neighbour)
    // What makes pages is started with the first one, and stays.
    const outputs = [{ outputType: 'executionResult' as const, fileName: 'result.html' as const }]
    await requireUnharmed(losant, await makeNotebook(losant, applicationId, { name: 'page', outputs }, ...NEIGHBOUR))
    atFirst = await tracesOf(service)
    neighbours = keepRunning(losant, neighbour)
  })
  after(() => parts.disposeAsync())

  describe('attacks', { concurrency: 2 }, () => {
    for (const attack of attacks) {
      test(`${attack.name}`, async (t) => {
        const lacks = lackOf(attack, sandbox, forking)
        if (lacks) return t.skip(lacks)
        const notebook = await prepare(attack)
        for (let run = 0; run < (attack.twice ? 2 : 1); run++) {
          const log = await runToEnd(losant, notebook, { templateContext: JSON.stringify(ears.context) })
          if (attack.marker) assert.deepEqual(await pidsWith(attack.marker), [], 'it lives on')
          requireEnding(attack, log, forking)
          await requireKept(attack, log)
          await requireOutputs(attack, log)
        }
      })
    }
  })

  test('nothing heard from inside, and every neighbour came to its end unharmed', async () => {
    assert.ok((await neighbours.stop()) > 0)
    assert.equal(ears.heard(), 0)
  })

  test('nothing is left of any of them', async () => {
    const limit = AbortSignal.timeout(30_000)
    let now = await tracesOf(service)
    while (!sameTraces(atFirst, now) && !limit.aborted) now = await tracesOf(service)
    assert.deepEqual(now, atFirst)
    assert.doesNotMatch(service.output(), /our fault/)
  })

  async function prepare(attack: Attack): Promise<Notebook> {
    const outputs = [
      ...outputsOf(attack),
      ...(attack.boxed ?? []).map((fileName) =>
        fileName === 'result.html'
          ? { outputType: 'executionResult' as const, fileName: 'result.html' as const }
          : { outputType: 'temporaryUrl' as const, fileName },
      ),
    ]
    const notebook = await losant.call<Notebook>('notebooks.post', {
      applicationId,
      notebook: { name: attack.name, outputs },
    })
    const params = { applicationId, notebookId: notebook.id }
    if (attack.limits) await client.call(putLimits, { params, body: attack.limits })
    return losant.call<Notebook>('notebook.upload', { ...params, jupyterFile: attack.ipynb })
  }
}

/** A link for each file, and for each folder that one lies in an output of the whole folder. */
function outputsOf({ outputs = {} }: Attack): NotebookOutput[] {
  const names = Object.keys(outputs)
  const folders = new Set(names.flatMap((name) => (name.includes('/') ? [name.slice(0, name.indexOf('/'))] : [])))
  return [
    ...names
      .filter((name) => !name.includes('/'))
      .map((fileName) => ({ outputType: 'temporaryUrl' as const, fileName })),
    ...[...folders].map((directoryName) => ({
      outputType: 'directory' as const,
      directoryName,
      destinationDirectoryTemplate: '/{{notebook.name}}',
    })),
  ]
}

/** Why an attack can't end as it should on this machine, if so. */
function lackOf({ levels, needs }: Attack, { level, name }: Sandbox, forking: 'on' | 'off'): string | undefined {
  if (levels && !levels.includes(level)) return `not for level ${level}`
  switch (needs) {
    case undefined:
      return undefined
    case 'a count of its own processes':
      return level > 1 || name.includes('own uid') ? undefined : 'the process limit is the user’s, not the run’s'
    default: {
      const isThere = name.includes('cgroup') || (needs === 'cgroup when cold' && forking === 'on')
      return isThere ? undefined : 'no control group here'
    }
  }
}

/** The sandbox of a service, once kernels start as the test wants them to. */
async function readyAs(url: string, forking: 'on' | 'off'): Promise<Sandbox> {
  const limit = AbortSignal.timeout(READY_MS)
  for (;;) {
    const health = await (await fetch(`${url}/healthz`)).json()
    const { sandbox, kernels } = health as { sandbox: Sandbox; kernels: { v4?: { ready: boolean } } }
    if (forking === 'off' || kernels.v4?.ready) return sandbox
    if (limit.aborted) throw new Error(`kernels are not forked: ${JSON.stringify(health)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function requireEnding({ ends }: Attack, log: ExecutionLog, forking: 'on' | 'off'): void {
  const told = JSON.stringify({ status: log.status, errors: log.executionErrors })
  assert.ok([ends.status].flat().includes(log.status), told)
  const expected = (forking === 'off' ? ends.cold : undefined) ?? ends.cause
  const [first] = log.executionErrors
  if (expected !== undefined && first) assert.ok([expected].flat().includes(first.name), told)
  if (log.status === 'completed') assert.deepEqual(log.executionErrors, [])
  if (ends.message) assert.match(first?.message ?? '', new RegExp(ends.message))
}

/** The notebook up to where it got, and the log, both whole and readable. */
async function requireKept(attack: Attack, log: ExecutionLog): Promise<void> {
  const result: { cells: { cell_type: string; outputs?: { text?: string }[] }[]; nbformat: number } = JSON.parse(
    await open(log.outputInfo, 'result.ipynb'),
  )
  assert.equal(result.nbformat, 4)
  assert.equal(result.cells.length, JSON.parse(attack.ipynb).cells.length)
  const [first] = result.cells.filter(({ cell_type }) => cell_type === 'code')
  assert.match(JSON.stringify(first?.outputs), /before/)
  const printed = await open(log.outputInfo, 'result.log')
  for (const text of attack.keeps) assert.ok(printed.includes(text), `"${text}" is not in: ${printed.slice(0, 2000)}`)
  for (const text of attack.never ?? []) assert.ok(!printed.includes(text), `"${text}" is there`)
  if (attack.cut) assert.match(JSON.stringify(result.cells), /left out|cut out/)
}

async function requireOutputs(attack: Attack, log: ExecutionLog): Promise<void> {
  for (const [name, wanted] of Object.entries(attack.outputs ?? {})) {
    const stored = name in log.outputInfo ? await open(log.outputInfo, name) : null
    assert.ok([wanted].flat().includes(stored), `${name}: ${stored}`)
  }
  for (const name of attack.boxed ?? []) {
    const { headers } = await fetch(log.outputInfo[name]?.url ?? '')
    const policy = headers.get('content-security-policy') ?? ''
    assert.match(policy, /sandbox/, name)
    assert.doesNotMatch(policy, /allow-same-origin|allow-scripts/, name)
    assert.equal(headers.get('x-content-type-options'), 'nosniff', name)
  }
}

interface Ears extends AsyncDisposable {
  readonly context: Readonly<Record<string, unknown>>
  heard(): number
}

/** Listens where a run must not be able to reach: the machine's loopback, and its abstract sockets. */
async function openEars(): Promise<Ears> {
  let heard = 0
  const abstract = `fieldbook-ears-${process.pid}`
  const listen = (server: Server, where: object) =>
    new Promise<Server>((resolve) => server.listen(where, () => resolve(server)))
  const hear = () =>
    createServer((socket) => {
      heard += 1
      socket.destroy()
    })
  const wire = await listen(hear(), { port: 0, host: '127.0.0.1' })
  const local = await listen(hear(), { path: `\0${abstract}` })
  const address = wire.address()
  const port = typeof address === 'object' ? address?.port : 0
  return {
    context: { port: String(port), abstract },
    heard: () => heard,
    [Symbol.asyncDispose]: async () => {
      for (const server of [wire, local]) await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Neighbours {
  /** Waits for the one that runs, and gives how many there were; rejects when one was harmed. */
  stop(): Promise<number>
}

function keepRunning(losant: Official, notebook: Notebook): Neighbours {
  let stopping = false
  const all = (async () => {
    let count = 0
    while (!stopping) {
      await requireUnharmed(losant, notebook)
      count++
    }
    return count
  })()
  all.catch(() => {}) // told when it is asked for
  return {
    stop: () => {
      stopping = true
      return all
    },
  }
}

async function requireUnharmed(losant: Official, notebook: Notebook): Promise<void> {
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
  assert.match(await open(log.outputInfo, 'result.log'), /unharmed/)
}

const sameTraces = (a: Traces, b: Traces) => JSON.stringify(a) === JSON.stringify(b)
