/**
 * An application with one of everything there is, made through the door as its owner would: what foreign callers must not
 * reach. Every text in it has a mark that stands nowhere else, so that an answer with any of it can be told.
 */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ending, finishExecution } from '../../server/executions/finish.ts'
import { getExecution, recordLive } from '../../server/executions/store.ts'
import { newId } from '../../server/ground/ids.ts'
import { jobIdOf } from '../../server/jobs/ticket.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'
import { makeCallers, type TestCallers } from './callers.ts'
import { MULTIPART, multipart } from './forms.ts'
import { makeApplication, makeFolder, UNSEEN } from './make.ts'
import { ipynb } from './steps.ts'
import type { TenancyDoor } from './tenancy.ts'

export interface FullApplication {
  readonly id: string
  readonly ownerId: string
  readonly callers: TestCallers
  /** What may stand in a path for each of its parameters, by the parameter's name; the first is what a route is about. */
  readonly ids: Readonly<Record<string, readonly string[]>>
  /** Stands in every text of it. */
  readonly mark: string
  /** Keys of blobs, each with a name it is shown under. */
  readonly blobs: readonly { readonly key: string; readonly name: string }[]
  /** Forms to upload content with, of a public file and of a private one. */
  readonly forms: readonly { readonly url: string; readonly fields: Readonly<Record<string, string>> }[]
  /** An URL of a private file's content. */
  readonly privateUrl: string
}

const JSON_TYPE = { 'content-type': 'application/json' }

/** What a made thing answers. */
type Made = Readonly<Record<string, never>> & { readonly id: string }

/** Makes it, of an owner of its own. `t` removes what it needs of files. */
export async function makeFullApplication(
  t: Parameters<typeof makeFolder>[0],
  door: TenancyDoor,
  mark: string,
): Promise<FullApplication> {
  const { db, blobs } = door
  const { id, ownerId } = await makeApplication(db, { name: `plant ${mark}`, description: mark })
  const callers = await makeCallers(db, door.tokens, { id, ownerId })
  const token = await callers.session(['all.User'])

  const send = async (method: 'POST' | 'PATCH' | 'PUT' | 'GET', path: string, payload?: object, type = JSON_TYPE) => {
    const reply = await fetch(`${door.url}/applications/${id}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(payload ? type : {}) },
      ...(payload ? { body: payload instanceof Uint8Array ? payload : JSON.stringify(payload) } : {}),
    })
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${path} answered ${reply.status}: ${text}`)
    return JSON.parse(text)
  }
  const post = (path: string, payload: object): Promise<Made> => send('POST', path, payload)
  const upload = (path: string, name: string, content: string) =>
    send('POST', path, multipart([{ name, content, fileName: `${mark}.ipynb` }]), MULTIPART)

  await send('PATCH', '', { globals: [{ key: 'note', json: JSON.stringify(mark) }] })
  await send('PATCH', '/readme', { content: mark })
  await send('PUT', '/limits', { notebooks: 10_000 })
  await send('PUT', '/telemetry', { retentionDays: 1000 })
  await send('POST', '/callbackSecret/rotate')

  const attributes = [
    { name: `temp_${mark}`, dataType: 'number' },
    { name: 'note', dataType: 'string' },
  ]
  const gateway = await post('/devices', { name: `gateway ${mark}`, deviceClass: 'gateway' })
  const device = await post('/devices', {
    name: `pump ${mark}`,
    deviceClass: 'peripheral',
    gatewayId: gateway.id,
    parentId: gateway.id,
    tags: [{ key: 'site', value: mark }],
    attributes,
  })
  const deleted = await post('/devices', { name: `gone ${mark}`, attributes })
  for (const deviceId of [device.id, deleted.id]) {
    await post(`/devices/${deviceId}/state`, { data: { [`temp_${mark}`]: 21, note: mark } })
    await post(`/devices/${deviceId}/setConnectionStatus`, { status: 'connected' })
  }
  await post(`/devices/${device.id}/state`, { data: { undeclared: 1 } })
  await send('GET', '/telemetry/ignored') // has what was counted written down
  await post('/devices/delete', { query: { id: deleted.id } })

  const column = { name: 'word', dataType: 'string', constraint: 'optional' }
  const table = await post('/data-tables', { name: `table ${mark}`, columns: [column] })
  const row = await post(`/data-tables/${table.id}/rows`, { word: mark })
  const event = await post('/events', { level: 'info', subject: `event ${mark}`, deviceId: device.id, data: { mark } })

  const files: Made[] = []
  for (const tree of ['files', 'privateFiles']) {
    const directory = { name: `folder_${mark}`, type: 'directory' }
    const file = { name: 'shared.txt', parentDirectory: `/folder_${mark}`, type: 'file' }
    files.push(
      await post(`/${tree}`, file),
      (await send('GET', `/${tree}`, undefined)).items.find((one: Made) => one['name'] === directory.name),
    )
  }
  const [file, folder, privateFile, privateFolder] = files
  if (!file || !folder || !privateFile || !privateFolder) throw new Error('four files were made')
  await upload(`/file/${file.id}/upload`, 'file', `public ${mark}`)
  const { url: privateUrl } = await upload(`/privateFiles/${privateFile.id}/upload`, 'privateFile', `private ${mark}`)

  const notebook = await post('/notebooks', {
    name: `notebook ${mark}`,
    inputs: [{ inputType: 'dataTable', fileName: 'rows.csv', dataTableId: table.id }],
    outputs: [{ outputType: 'temporaryUrl', fileName: 'out.txt' }],
  })
  const notebookPath = `/notebooks/${notebook.id}`
  await upload(`${notebookPath}/upload`, 'jupyterFile', ipynb(`print("${mark}")`))
  await send('PUT', `${notebookPath}/limits`, { runMinutes: 5 })
  const { executionId } = (await post(`${notebookPath}/execute`, {
    templateContext: JSON.stringify({ mark }),
  })) as unknown as {
    executionId: string
  }
  await finish(t, door, { notebookId: notebook.id, executionId, mark })
  const waiting = (await post(`${notebookPath}/execute`, {})) as unknown as { executionId: string }
  const window = { start: '2026-01-01T00:00:00Z', end: '2026-01-03T00:00:00Z', window: 'P1D', name: mark }
  const backfill = await post(`${notebookPath}/backfills`, window)
  const schedule = await post(`${notebookPath}/schedules`, { cron: '0 3 1 1 *', name: mark })

  const { jobId: ticket } = (await post('/data/export', {
    deviceIds: [device.id],
    callbackUrl: `https://${mark}.example`,
  })) as unknown as {
    jobId: string
  }
  const jobId = jobIdOf(ticket) ?? ''
  const jobKey = `jobs/${id}/${newId()}`
  await blobs.put(jobKey, Buffer.from(`exported ${mark}`))
  await db.query(
    `update job_logs set status = 'completed', files = $2, started_at = now(), completed_at = now() where id = $1`,
    [jobId, JSON.stringify([{ name: 'export.csv', key: jobKey, sizeBytes: 1 }])],
  )
  await door.tell(db, {
    applicationId: id,
    about: { type: 'execution', id: executionId },
    callback: { url: `https://${mark}.example/told`, body: { mark } },
  })
  const delivery = await db.one<{ id: string }>(
    `update deliveries set status = 'failed', ended_at = now() where application_id = $1 returning id`,
    [id],
  )

  const apiToken = await post('/tokens', { name: `token ${mark}`, scope: ['all.Application.read'] })
  const key = await post('/keys', { name: `key ${mark}`, deviceIds: [device.id] })

  const forms = [
    await send('PATCH', `/file/${file.id}`, { contentType: 'text/plain' }),
    await send('PATCH', `/privateFiles/${privateFile.id}`, { contentType: 'text/plain' }),
  ].map(({ upload: form }) => form)
  const keys = await db.query<{ key: string }>(
    `select blob_key as key from files where application_id = $1 and blob_key is not null
     union all select jupyter_blob_key from notebooks where application_id = $1
     union all select file.value ->> 'key' from executions, jsonb_each(input_info || output_info) as file where application_id = $1`,
    [id],
  )
  return {
    id,
    ownerId,
    callers,
    mark,
    forms,
    privateUrl,
    blobs: [...keys.map(({ key }) => key), jobKey].map((key) => ({ key, name: 'a.txt' })),
    ids: {
      deviceId: [device.id, gateway.id, deleted.id, callers.deviceId],
      name: [`temp_${mark}`],
      dataTableId: [table.id],
      rowId: [row.id],
      eventId: [event.id],
      fileId: [file.id, folder.id, privateFile.id],
      privateFileId: [privateFile.id, privateFolder.id, file.id],
      notebookId: [notebook.id],
      executionId: [executionId, waiting.executionId],
      backfillId: [backfill.id],
      scheduleId: [schedule.id],
      jobId: [jobId, ticket],
      deliveryId: [delivery?.id ?? ''],
      apiTokenId: [apiToken.id, ...callers.tokenIds],
      applicationKeyId: [key.id, callers.keyId],
      userId: [callers.viewerId, ownerId],
    },
  }
}

/** Ends an execution as a worker would have, with an input, its results and what it told. */
async function finish(
  t: Parameters<typeof makeFolder>[0],
  door: TenancyDoor,
  { notebookId, executionId, mark }: { notebookId: string; executionId: string; mark: string },
): Promise<void> {
  const { db, blobs } = door
  const result = join(await makeFolder(t), 'result')
  await writeFile(result, ipynb(`print("${mark}")`))
  await hold(db, executionId)
  const input = { key: `executions/${executionId}/1/inputs/0`, size: 1, contentType: 'text/csv' }
  await blobs.put(input.key, Buffer.from(`input ${mark}`))
  const events = [{ id: 1, kind: 'stream' as const, data: JSON.stringify({ text: mark }) }]
  const standing = { cell: 1, cells: 1, inputInfo: { 'rows.csv': input }, inputsCompletedAt: new Date() }
  await recordLive(db, { id: executionId, attempt: 1 }, standing, events)
  const results = new Map(['result.log', 'result.ipynb', 'result.html', 'result.pdf'].map((name) => [name, result]))
  const written = { 'out.txt': `output ${mark}` }
  await endHeld(t, door, { notebookId, executionId }, { written, results })
}

/** Gives an execution to a worker that is none. */
export async function hold(db: Queryable, executionId: string): Promise<void> {
  await db.query(
    `update executions set status = 'inProgress', attempt = 1, worker_id = 'a worker', started_at = now(),
       lease_until = now() + interval '1 hour' where id = $1`,
    [executionId],
  )
}

export interface LeftBehind {
  /** What stands in OUTPUT_DIR. */
  readonly written: Readonly<Record<string, string>>
  readonly results?: Ending['results']
  /** What templates see as `ctx`. */
  readonly ctx?: Readonly<Record<string, string>>
}

/** Ends a held execution, its outputs stored. */
export async function endHeld(
  t: Parameters<typeof makeFolder>[0],
  { db, blobs }: Pick<TenancyDoor, 'db' | 'blobs'>,
  { notebookId, executionId }: { readonly notebookId: string; readonly executionId: string },
  { written, results = new Map(), ctx = {} }: LeftBehind,
): Promise<void> {
  const outputDir = await makeFolder(t)
  for (const [name, text] of Object.entries(written)) await writeFile(join(outputDir, name), text)
  await finishExecution(db, {
    execution: await getExecution(db, notebookId, executionId),
    failure: undefined,
    outputDir,
    results,
    unmade: [],
    context: { ctx, globals: {} },
    blobs,
    maxBytes: 1_000_000,
    maxFiles: 100,
    prefix: `executions/${executionId}/1`,
    signal: new AbortController().signal,
    canceled: new AbortController().signal,
    live: { settle: async () => {}, seen: () => UNSEEN },
  })
}
