/** The plan of the house, kept: imports only go down, no cycles, libraries in their rooms, files of a readable size. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const HOUSES = ['contract', 'client', 'server', 'cli', 'bench', 'test']
const MAX_LINES = 300

/** The rooms of the server from the top down; an import goes to a room further down, or stays in its own. */
const ROOMS = [
  'server/main.ts',
  'server/command/',
  'server/service.ts',
  'server/health.ts',
  // The table of what jobs do, from the rooms below.
  'server/job-kinds.ts',
  'server/http/',
  // Executions are the thick room: they use the thin rooms below, which do not know them.
  'server/executions/',
  'server/catalog/',
  'server/access/',
  // Work behind a request: the queue, its logs, and telling people how a job ended.
  'server/jobs/',
  'server/render/',
  'server/kernel/',
  'server/sandbox/',
  'server/templates/',
  'server/outgoing/',
  'server/query/',
  'server/stores/telemetry/',
  'server/stores/duckdb/',
  'server/stores/blobs/',
  'server/stores/postgres/',
  'server/ground/',
  'contract/',
]

/** Who may import what besides the server's floors. */
const OTHERS: Record<string, RegExp> = {
  contract: /^contract\//,
  client: /^(client|contract)\//,
  cli: /^(cli|client|contract)\/|^server\/ground\/settings\.ts$/,
  // Benchmarks of the data layer fill the stores directly: over HTTP ten million rows would take an hour.
  // A page is measured without the job and the records around it, which would be most of it.
  bench:
    /^(bench|cli|client|contract|server\/(stores|render|sandbox))\/|^server\/ground\/log\.ts$|^server\/catalog\/(csv-import|data-tables|notebooks|rows-export)\.ts$|^server\/executions\/(application-summary|usage)\.ts$/,
  'test/journeys': /^(test\/support|client|contract)\//,
}

/** Libraries with a room of their own. */
const LIBRARIES: Record<string, RegExp> = {
  yaml: /^contract\/openapi\/|^test\//,
  zeromq: /^server\/kernel\/|^test\/support\//,
  pg: /^server\/stores\/|^test\//,
  'pg-copy-streams': /^server\/stores\//,
  fastify: /^server\/http\//,
  '@fastify/multipart': /^server\/http\//,
  '@fastify/cors': /^server\/http\//,
  '@fastify/accept-negotiator': /^server\/http\//,
  semver: /^server\/http\//,
  handlebars: /^server\/templates\//,
  moment: /^server\/templates\//,
  'moment-timezone': /^server\/templates\//,
  'd3-format': /^server\/templates\//,
  'markdown-it': /^server\/templates\//,
  jsep: /^server\/templates\//,
  '@duckdb/node-api': /^server\/stores\/duckdb\/|^bench\/|^test\//,
  'pg-boss': /^server\/jobs\//,
  croner: /^server\/executions\/schedules\//,
  undici: /^server\/outgoing\//,
  'ipaddr.js': /^server\/outgoing\//,
  nodemailer: /^server\/outgoing\//,
  jose: /^server\/access\//,
  '@node-rs/argon2': /^server\/access\//,
  otpauth: /^server\/access\/|^test\//,
  'losant-rest': /^test\/support\//,
}

const files = HOUSES.flatMap((house) =>
  readdirSync(join(ROOT, house), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${house}/${name}`),
)
const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]))

interface Import {
  readonly from: string
  /** A path of the repository, or the name of a package. */
  readonly to: string
  readonly isType: boolean
}

const imports: Import[] = files.flatMap((from) =>
  [...(sources.get(from) ?? '').matchAll(/^(?:import|export)\b([^;'"]*?)from '([^']+)'|^import '([^']+)'/gm)].map(
    ([, what = '', named, bare]) => {
      const target = named ?? bare ?? ''
      const to = target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(from), target)) : target
      return { from, to, isType: /^\s*type\b/.test(what) }
    },
  ),
)
const inside = imports.filter(({ to }) => sources.has(to))

const floorOf = (file: string) => ROOMS.findIndex((room) => file.startsWith(room))

test('the imports of the whole tree are seen', () => {
  assert.ok(inside.length > 200, `${inside.length} imports`)
})

test('in the server an import only goes down, or stays in its room', () => {
  const wrong = inside.filter(({ from, to }) => {
    if (!from.startsWith('server/')) return false
    const [above, below] = [floorOf(from), floorOf(to)]
    return above < 0 || below < above
  })
  assert.deepEqual(wrong.map(arrow), [])
})

test('outside the server only the contract and the client are known', () => {
  const wrong = inside.filter(({ from, to }) =>
    Object.entries(OTHERS).some(([house, allowed]) => from.startsWith(`${house}/`) && !allowed.test(to)),
  )
  assert.deepEqual(wrong.map(arrow), [])
})

test('no imports go round in a circle', () => {
  const next = Map.groupBy(
    inside.filter(({ isType }) => !isType),
    ({ from }) => from,
  )
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const { to } of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(circles, [])
})

test('a library is imported in its room only', () => {
  const wrong = imports.filter(({ from, to }) => LIBRARIES[to] && !LIBRARIES[to].test(from))
  assert.deepEqual(wrong.map(arrow), [])
})

test('only config.ts reads the environment of the server', () => {
  const readers = files.filter((file) => file.startsWith('server/') && /process\.env\b/.test(sources.get(file) ?? ''))
  assert.deepEqual(readers, ['server/ground/config.ts'])
})

test(`no file has more than ${MAX_LINES} lines, and each one says what it is`, () => {
  const tooLong = [...sources].filter(([, text]) => text.split('\n').length > MAX_LINES + 1).map(([file]) => file)
  assert.deepEqual(tooLong, [])
  const silent = [...sources].filter(([, text]) => !/^\/[/*]/.test(text)).map(([file]) => file)
  assert.deepEqual(silent, [])
})

test('there are no barrels and no rooms for leftovers', () => {
  const named = files.filter((file) => /(^|\/)(index|utils?|helpers?|common|manager)(\.ts|\/)/.test(file))
  // Handlebars calls its functions helpers; that file holds exactly those.
  assert.deepEqual(named, ['server/templates/helpers.ts'])
})

const arrow = ({ from, to }: Import) => `${from} → ${to}`
