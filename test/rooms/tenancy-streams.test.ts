/** Answers that take long last as long as their reader may see the execution: one whose share or token ended is told no more of it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { recordLive } from '../../server/executions/store.ts'
import { endHeld, hold, makeFullApplication } from '../support/full-application.ts'
import { makeCells, makeExecution } from '../support/make.ts'
import { openTenancyDoor } from '../support/tenancy.ts'
import { until } from '../support/until.ts'

/** What a stream has told so far; its connection is its own and ends with it. */
async function watchStream(url: string, token: string) {
  const seen = { text: '', isOver: false, leave: () => {} }
  const request = get(url, { agent: false, headers: { authorization: `Bearer ${token}` } })
  const [reply]: IncomingMessage[] = await once(request, 'response')
  assert.equal(reply?.statusCode, 200)
  reply?.on('data', (chunk) => {
    seen.text += String(chunk)
  })
  reply?.on('close', () => {
    seen.isOver = true
  })
  seen.leave = () => request.destroy()
  return seen
}

test('a stream ends when its reader is somebody in the application no more', async (t) => {
  const door = await openTenancyDoor(t)
  const { id, ids, callers } = await makeFullApplication(t, door, 'markA')
  const [notebookId, executionId = ''] = [ids['notebookId']?.[0], ids['executionId']?.[1]]
  await hold(door.db, executionId)
  const tell = (event: number) =>
    recordLive(door.db, { id: executionId, attempt: 1 }, { cell: 0, cells: 1 }, [
      { id: event, kind: 'stream', data: JSON.stringify({ text: event }) },
    ])
  const path = `/applications/${id}/notebooks/${notebookId}/executions/${executionId}/events`
  const watch = (token: string) => watchStream(door.url + path, token)
  const owner = await watch(await callers.session(['all.User']))
  const viewer = await watch(await callers.viewer(['all.User']))
  await tell(1)
  while (!viewer.text.includes('{"text":1}')) await pause(20)

  await door.db.query('delete from application_members where user_id = $1', [callers.viewerId])
  // At most a second goes by before it is asked again whether the reader may; what is told then ends the stream.
  let last = 1
  while (!viewer.isOver && last < 200) {
    await pause(100)
    last += 1
    await tell(last)
  }
  assert.ok(viewer.isOver, 'the stream of the one who was shut out has ended')
  while (!owner.text.includes(`{"text":${last}}`)) await pause(20)
  assert.equal(owner.isOver, false, 'the owner still reads')
  assert.equal(viewer.text.includes(`{"text":${last}}`), false)
  owner.leave()
  await until(() => door.watch.watching === 0)
})

test('one who waits for an end and is shut out meanwhile learns no more than that it was queued', async (t) => {
  const door = await openTenancyDoor(t)
  const { id, ids, callers } = await makeFullApplication(t, door, 'markA')
  const notebookId = ids['notebookId']?.[0] ?? ''
  await door.db.query("update application_members set role = 'editor' where user_id = $1", [callers.viewerId])
  const waiting = fetch(`${door.url}/applications/${id}/notebooks/${notebookId}/execute?wait=60`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await callers.viewer(['all.User'])}`, 'content-type': 'application/json' },
    body: '{}',
  })
  const queued = () => door.db.one<{ id: string }>('select id from executions where source_id = $1', [callers.viewerId])
  while (!(await queued())) await pause(20)
  const executionId = (await queued())?.id ?? ''
  await until(async () => door.watch.watching > 0)
  await hold(door.db, executionId)
  await door.db.query('delete from application_members where user_id = $1', [callers.viewerId])
  await endHeld(t, door, { notebookId, executionId }, { written: { 'out.txt': 'secret' } })
  const reply = await waiting
  assert.deepEqual([reply.status, await reply.json()], [200, { success: true, executionId }])
})

/** The owner of the application, for a minute. */
const aMinute = ({ tokens, application: { ownerId: userId } }: Awaited<ReturnType<typeof openTenancyDoor>>) =>
  tokens.sign({ kind: 'user', userId, generation: 0, scope: ['all.User'] }, 60)

test('a stream ends with the token it was asked for with', async (t) => {
  const door = await openTenancyDoor(t)
  const notebook = await makeCells(door, ['1'], { applicationId: door.application.id })
  const executionId = await makeExecution(door.db, notebook)
  await hold(door.db, executionId)
  const stream = await watchStream(
    `${door.url}${door.base}/notebooks/${notebook.id}/executions/${executionId}/events`,
    await aMinute(door),
  )
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
  for (let event = 1; !stream.isOver && event < 200; event += 1) {
    await recordLive(door.db, { id: executionId, attempt: 1 }, { cell: 0, cells: 1 }, [
      { id: event, kind: 'stream', data: JSON.stringify({ text: event }) },
    ])
    await pause(100)
  }
  assert.ok(stream.isOver)
})

test('one whose token ends while they wait learns no more than that it was queued', async (t) => {
  const door = await openTenancyDoor(t)
  const { id: notebookId } = await makeCells(door, ['1'], { applicationId: door.application.id })
  const waiting = fetch(`${door.url}${door.base}/notebooks/${notebookId}/execute?wait=60`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await aMinute(door)}`, 'content-type': 'application/json' },
    body: '{}',
  })
  const queued = () => door.db.one<{ id: string }>('select id from executions where notebook_id = $1', [notebookId])
  await until(async () => door.watch.watching > 0 && (await queued()) !== undefined)
  const executionId = (await queued())?.id ?? ''
  await hold(door.db, executionId)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
  await endHeld(t, door, { notebookId, executionId }, { written: { 'out.txt': 'secret' } })
  const reply = await waiting
  assert.deepEqual([reply.status, await reply.json()], [200, { success: true, executionId }])
})
