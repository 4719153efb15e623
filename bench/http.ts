/**
 * What the door costs: one notebook and a list of 100 with the token checked, beside a bare Fastify route with one
 * prepared statement over the same rows, in turns within one run.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createApplication } from '../contract/applications.ts'
import { createNotebook } from '../contract/notebooks.ts'
import { createGate } from './idle.ts'
import { median } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { type Ours, openOurs } from './ours.ts'
import { type Batch, type Pumped, pump, quantile, type Target } from './pump.ts'
import { atLeast, type Report } from './report.ts'

const BARE = fileURLToPath(new URL('bare-http.mjs', import.meta.url))
const CONNECTIONS = 16
const NOTEBOOKS = 100
const ROUNDS = 9
/** As the official client asks. */
const QUERY = '_actions=false&_links=true&_embedded=true'
/** Some seconds of each; a list costs about ten times one notebook. */
const REQUESTS = { one: 8000, list: 2000 }

type Kind = keyof typeof REQUESTS

/** `rows` is the number of requests for a single notebook in a round; a quarter of it for lists. */
export async function benchHttp(options: BenchOptions): Promise<Report> {
  const gate = createGate()
  await using ours = await openOurs()
  await using bare = await openBare(ours)
  const paths = await makeNotebooks(ours)
  const counts = options.rows ? { one: options.rows, list: Math.ceil(options.rows / 4) } : REQUESTS
  const targets: Record<string, Target> = { bare, ours: { url: ours.client.url, token: ours.client.token } }
  const found = new Map<string, Pumped[]>()
  const rounds = options.rounds ?? ROUNDS
  for (let round = 0; round <= rounds; round++) {
    for (const kind of ['one', 'list'] as const) {
      for (const [name, target] of Object.entries(targets)) {
        await gate.pass()
        const pumped = await pump(target, requests(paths[kind], counts[kind]), CONNECTIONS)
        if (round > 0) found.set(`${kind} ${name}`, [...(found.get(`${kind} ${name}`) ?? []), pumped])
      }
    }
    process.stderr.write(`\rround ${round} of ${rounds}${round === rounds ? '\n' : ''}`)
  }
  return report(found, rounds, counts, gate.told)
}

/** The bare service on the database of ours; ends with the benchmark. */
async function openBare(ours: Ours): Promise<Target & AsyncDisposable> {
  const { host, port } = await ours.database()
  const child = spawn(process.execPath, [BARE, host, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const [line] = await Promise.race([once(child.stdout, 'data'), gone])
  const url = /bare at (\S+)/.exec(String(line))?.[1]
  if (!url) throw new Error(`the bare service did not start: ${line}`)
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** An application of its own with 100 notebooks, each with an input and an output, as people have them. */
async function makeNotebooks({ client }: Ours): Promise<Record<Kind, string[]>> {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'http' } })
  const list = `/applications/${applicationId}/notebooks`
  const one: string[] = []
  for (let index = 0; index < NOTEBOOKS; index++) {
    const { id } = await client.call(createNotebook, {
      params: { applicationId },
      body: {
        name: `notebook ${index}`,
        description: 'What the pumps did in the night.',
        inputs: [{ inputType: 'deviceMetadata', fileName: 'devices.csv', deviceIds: [] }],
        outputs: [{ outputType: 'executionResult', fileName: 'result.html' }],
      },
    })
    one.push(`${list}/${id}`)
  }
  return { one, list: [list] }
}

const requests = (paths: readonly string[], count: number): Iterable<Batch> =>
  Array.from({ length: count }, (_, index) => ({ path: `${paths[index % paths.length]}?${QUERY}`, states: 0 }))

function report(
  found: ReadonlyMap<string, readonly Pumped[]>,
  rounds: number,
  counts: Record<Kind, number>,
  told: string,
): Report {
  const middle = (name: string, of: (pumped: Pumped) => number) =>
    median((found.get(name) ?? []).map(of).toSorted((a, b) => a - b))
  const rate = (name: string) => middle(name, ({ waitsMs, tookMs }) => (waitsMs.length / tookMs) * 1000)
  const p99 = (name: string) => middle(name, ({ waitsMs }) => quantile(waitsMs, 0.99))
  const rows = [...found.keys()].map((name) => [
    name,
    rate(name),
    middle(name, ({ waitsMs }) => quantile(waitsMs, 0.5)),
    p99(name),
  ])
  const ratio = (kind: Kind) => rate(`${kind} ours`) / rate(`${kind} bare`)
  return {
    name: 'http',
    says: `${rounds} rounds of ${counts.one} requests for one of ${NOTEBOOKS} notebooks and ${counts.list} for all of them, over ${CONNECTIONS} connections, in turns; medians`,
    tables: [{ head: ['what', 'requests/s', 'wait p50, ms', 'p99'], rows }],
    bars: [
      atLeast('one notebook, ours to bare', ratio('one'), 0.6, ''),
      atLeast('a list of 100, ours to bare', ratio('list'), 0.6, ''),
    ],
    notes: [
      'Bare: Fastify and one prepared statement of pg, no token, nothing checked; ours: the service as it is. Both read the same rows of one PostgreSQL; client, services and database share the machine.',
      told,
    ],
  }
}
