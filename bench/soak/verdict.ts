/** What a soak has to show for itself: nothing lost, nothing doubled, nothing left behind. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from '../../client/client.ts'
import { getMinuteCounts } from '../../contract/executions.ts'
import { listFiles } from '../../contract/files.ts'
import { listRows } from '../../contract/rows.ts'
import type { Cluster } from './cluster.ts'
import { isFinal, type Run, type Seen } from './lanes.ts'
import { processesOf } from './processes.ts'
import type { Workplace } from './work.ts'

/** Everything wrong with the ends of the runs; `kernelsKilled` of them may have died with their kernel. */
export function judgeEnds(runs: readonly Run[], kernelsKilled: number): string[] {
  const lost = runs.filter(({ last }) => !isFinal(last?.status))
  const doubled = runs.filter(({ endings }) => endings.size > 1)
  const strange = runs.filter((run) => isFinal(run.last?.status) && !isExplained(run))
  const died = runs.filter(({ kind, last }) => kind.name !== 'bomb' && KERNEL_LOST.test(causeOf(last) ?? ''))
  return [
    ...lost.map(({ executionId, last }) => `lost: ${executionId} is still ${last?.status ?? 'not seen'}`),
    ...doubled.map(({ executionId, endings }) => `doubled: ${executionId} ended as ${[...endings].join(' and ')}`),
    ...strange.map(
      ({ kind, executionId, last }) =>
        `wrong end: ${kind.name} ${executionId} is ${last?.status} ${JSON.stringify(last?.executionErrors)}`,
    ),
    ...(died.length > kernelsKilled
      ? [`${died.length} runs lost their kernel, and only ${kernelsKilled} kernels were killed`]
      : []),
  ]
}

/** A kernel that is killed before its first answer has not started. */
const KERNEL_LOST = /^(?:KernelDied|KernelNotStarted)$/

export const causeOf = (seen: Seen | undefined) => seen?.executionErrors[0]?.name

/** Its own end, or one that a fault explains. */
const isExplained = ({ kind, last }: Run) =>
  last?.status === kind.ends ||
  (last?.status === 'errored' && (causeOf(last) === 'WorkerLost' || KERNEL_LOST.test(causeOf(last) ?? '')))

/** Rows, files, their contents and minutes: of every completed run once, of any other none. */
export async function judgeOutputs(client: Client, place: Workplace, runs: readonly Run[]): Promise<string[]> {
  const rows = await countRows(client, place)
  const files = await countFiles(client, place)
  const problems: string[] = []
  for (const { token, last, executionId } of runs) {
    const wanted = last?.status === 'completed' ? 1 : 0
    const [inTable, inFiles] = [rows.get(token) ?? 0, files.get(`${token}.txt`) ?? 0]
    if (inTable !== wanted || inFiles !== wanted) {
      problems.push(`outputs of ${executionId} (${last?.status}): ${inTable} rows and ${inFiles} files`)
    }
    if (wanted === 1) problems.push(...(await judgeLinks(token, last)))
  }
  const known = new Set(runs.map(({ token }) => token))
  for (const token of rows.keys())
    if (!known.has(token)) problems.push(`a row of a run that nobody asked for: ${token}`)
  return [...problems, ...(await judgeMinutes(client, place, runs))]
}

/** What a completed run links to is there, whole. */
async function judgeLinks(token: string, seen: Seen | undefined): Promise<string[]> {
  const wanted = new Map([
    ['note.txt', token],
    ['row.csv', `run\n${token}\n`],
  ])
  const problems: string[] = []
  for (const [name, content] of wanted) {
    const url = seen?.outputInfo[name]?.url
    const response = url ? await fetch(url) : undefined
    const text = await response?.text()
    if (text !== content) problems.push(`${name} of ${seen?.id} opens as ${response?.status} ${text?.slice(0, 80)}`)
  }
  return problems
}

async function countRows(client: Client, { applicationId, dataTableId }: Workplace): Promise<Map<string, number>> {
  const params = { applicationId, dataTableId }
  const tokens: string[] = []
  for (;;) {
    const query = { limit: '1000', offset: String(tokens.length) }
    const page = await client.call(listRows, { params, query })
    tokens.push(...page.items.map((row) => String(new Map(Object.entries(row)).get('run'))))
    if (page.items.length === 0 || tokens.length >= page.totalCount) return tally(tokens)
  }
}

async function countFiles(client: Client, { applicationId }: Workplace): Promise<Map<string, number>> {
  const names: string[] = []
  for (let page = 0; ; page += 1) {
    const query = { perPage: '1000', page: String(page), sortField: 'name' as const }
    const { items, totalCount } = await client.call(listFiles, { params: { applicationId }, query })
    names.push(...items.map(({ name }) => name))
    if (items.length === 0 || names.length >= totalCount) return tally(names)
  }
}

/** How often each text occurs. */
export function tally(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return counts
}

/** The days' minutes and endings are those of the runs that were seen, each counted once. */
async function judgeMinutes(client: Client, place: Workplace, runs: readonly Run[]): Promise<string[]> {
  const problems: string[] = []
  for (const [kind, notebookId] of place.notebookIds) {
    const params = { applicationId: place.applicationId, notebookId }
    const { counts } = await client.call(getMinuteCounts, { params })
    const own = runs.filter((run) => run.kind.name === kind)
    const told = { minutes: 0, runs: 0 }
    for (const day of counts) {
      told.minutes += day.minutes
      told.runs += day.completed + day.errored + day.canceled + day.timeout
    }
    const minutes = own.reduce((sum, { last }) => sum + minutesOf(last), 0)
    if (told.minutes !== minutes || told.runs !== own.length) {
      problems.push(
        `${kind}: ${told.runs} runs of ${told.minutes} minutes are counted, ${own.length} of ${minutes} were seen`,
      )
    }
  }
  return problems
}

/** Begun minutes of the notebook phase. */
function minutesOf(seen: Seen | undefined): number {
  const [from, to] = [seen?.inputsCompletedAt, seen?.notebookCompletedAt ?? seen?.outputsCompletedAt]
  if (!from || !to) return 0
  return Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from)) / 60_000))
}

/** What the logs of the members must not hold. */
const FORBIDDEN = [/has ended as \w+ and can not become/, /unhandled/i, /uncaught/i, /TypeError|ReferenceError/]

export const judgeLogs = (logs: string): string[] =>
  FORBIDDEN.flatMap((pattern) => {
    const line = logs.split('\n').find((text) => pattern.test(text))
    return line ? [`in a log: ${line.slice(0, 500)}`] : []
  })

/** The living remove the folders of the dead within this time, also when they have only just started. */
const CLEARED_MS = 30_000

/** Folders of workers that died and that no living one has removed. */
export async function judgeRemains({ dataDir, workers }: Cluster): Promise<string[]> {
  const living = new Set(workers.map(({ ready }) => ready))
  const deadline = performance.now() + CLEARED_MS
  for (;;) {
    const dead = (await readdir(join(dataDir, 'work'))).filter((name) => !living.has(name))
    if (dead.length === 0 || performance.now() > deadline) {
      return dead.map((name) => `the folder of the dead worker ${name} is left`)
    }
    await pause(200)
  }
}

/** What is left when everything has been told to stop: processes, folders, sockets, control groups. */
export async function judgeLeftovers({ dataDir, door, workers }: Cluster): Promise<string[]> {
  const pids = new Set([door, ...workers].flatMap(({ pids }) => [...pids]).map(String))
  const folders = await Promise.all(
    // What a killed process was just writing to blobs/.incoming goes with a start an hour later; until then it looks the
    // same as what another one is writing.
    ['work', 'tmp'].map(async (name) =>
      (await readdir(join(dataDir, name)).catch(() => [])).map((entry) => join(name, entry)),
    ),
  )
  return [
    ...processesOf(dataDir).map(({ pid, command }) => `process ${pid} is left: ${command}`),
    ...folders.flat().map((entry) => `${entry} is left`),
    ...(await groupsOf(pids)).map((group) => `control group ${group} is left`),
  ]
}

/** Groups are named `fieldbook-<pid of the service>-…`, in each controller's folder, somewhere below. */
async function groupsOf(pids: ReadonlySet<string>): Promise<string[]> {
  const all = await readdir('/sys/fs/cgroup', { recursive: true }).catch(() => [])
  return all.filter((path) => pids.has(/(?:^|\/)fieldbook-(\d+)-[^/]*$/.exec(path)?.[1] ?? ''))
}
