/** Answers that take long last as long as their reader may see the execution: one whose share ended is told no more of it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { recordLive } from '../../server/executions/store.ts'
import { endHeld, hold, makeFullApplication } from '../support/full-application.ts'
import { openTenancyDoor } from '../support/tenancy.ts'
import { until } from '../support/until.ts'

test('a stream ends when its reader is somebody in the application no more', async (t) => {
  const door = await openTenancyDoor(t)
  const { id, ids, callers } = await makeFullApplication(t, door, 'markA')
  const [notebookId, executionId = ''] = [ids['notebookId']?.[0], ids['executionId']?.[1]]
  await hold(door.db, executionId)
  const tell = (event: number) =>
    recordLive(door.db, { id: executionId, attempt: 1 }, { cell: 0, cells: 1 }, [
      { id: event, kind: 'stream', data: JSON.stringify({ text: event }) },
    ])
  /** What a stream has told so far; its connection is its own and ends with it. */
  const watch = async (token: string) => {
    const path = `/applications/${id}/notebooks/${notebookId}/executions/${executionId}/events`
    const seen = { text: '', isOver: false, leave: () => {} }
    const request = get(door.url + path, { agent: false, headers: { authorization: `Bearer ${token}` } })
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
