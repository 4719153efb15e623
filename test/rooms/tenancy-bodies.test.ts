/**
 * Every place in bodies and queries where an id may stand, with every id of another tenant's application: the answer is
 * that of an id which nothing has, and nothing of the other application changes or is told.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../../contract/route.ts'
import { isId } from '../../server/ground/ids.ts'
import { makeFullApplication } from '../support/full-application.ts'
import { placesOf } from '../support/id-places.ts'
import { ABSENT_ID } from '../support/minimal.ts'
import { type Answer, type Asked, ask, type Parameters } from '../support/requests.ts'
import { nameOf, routes } from '../support/routes.ts'
import { openTenancyDoor, sumOf } from '../support/tenancy.ts'

/**
 * Places where any id is kept and given back as it was written. Nothing is looked up by it then: what it means is asked
 * when it is used, in the application of whoever uses it (tenancy-runs.test.ts), or never.
 */
const KEPT = [
  'PATCH /applications/:applicationId/devices/:deviceId body.device.attributes[].system.childAttributes[].deviceIds[]',
  'PATCH /applications/:applicationId/devices/:deviceId/attributes/:name body.deviceAttribute.system.childAttributes[].deviceIds[]',
  'PATCH /applications/:applicationId/notebooks/:notebookId body.notebook.inputs[].dataTableId',
  'PATCH /applications/:applicationId/notebooks/:notebookId body.notebook.inputs[].deviceIds[]',
  'PATCH /applications/:applicationId/notebooks/:notebookId body.notebook.inputs[].queryJson',
  'PATCH /applications/:applicationId/notebooks/:notebookId body.notebook.outputs[].dataTableId',
  'POST /applications body.application.appliedTemplateIds[]',
  'POST /applications/:applicationId/devices body.device.attributes[].system.childAttributes[].deviceIds[]',
  'POST /applications/:applicationId/devices/:deviceId/attributes body.deviceAttribute.system.childAttributes[].deviceIds[]',
  'POST /applications/:applicationId/notebooks body.notebook.inputs[].dataTableId',
  'POST /applications/:applicationId/notebooks body.notebook.inputs[].deviceIds[]',
  'POST /applications/:applicationId/notebooks body.notebook.inputs[].queryJson',
  'POST /applications/:applicationId/notebooks body.notebook.outputs[].dataTableId',
]

/** A share is made for somebody else: users are the installation's, and their ids are told among those who share. */
const MEANT = 'POST /applications/:applicationId/members body.member.userId'

/** Users as a whole, and what was done at all, are for owners of the installation, which nobody is here. */
const isAsked = ({ authenticated, path }: Route) => authenticated && !/^\/(?:users|auditLog)/.test(path)

/** What a body needs beside the id, so that anybody looks at it. */
function beside(where: string, { deviceId }: Parameters): object {
  if (where.includes('patchInfo.update')) return { deviceIds: [deviceId] }
  if (where.includes('patchInfo.')) return { updateFields: { description: 'changed' } }
  return where.startsWith('POST') && where.endsWith('body.device.gatewayId') ? { deviceClass: 'peripheral' } : {}
}

/** Lists and queries give back what they were asked. */
const isWriting = ({ method, role }: Route) => method !== 'GET' && role !== 'viewer'

/** Whether the answers for an id that nothing has show that it was looked at, or kept. */
function isReached(answers: readonly string[], path: string): boolean {
  const named = new RegExp(`${path.split('.').at(-1)?.replace('[]', '')}(?:\\.\\d+)? must`)
  return answers.some((text) => /^(?:2|404)/.test(text) || named.test(text))
}

/** An answer without what differs each time: ids and times, links and tickets. */
const comparable = ({ status, text }: Answer): string =>
  `${status} ${text}`
    .replaceAll(/\/blobs\/[^"]+/g, 'LINK')
    .replaceAll(/"jobId":"\w+"/g, 'JOB')
    .replaceAll(/\b[0-9a-f]{24}\b/gi, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')

test('an id of another application is one that nothing has, wherever it is written', async (t) => {
  const door = await openTenancyDoor(t)
  const own = await makeFullApplication(t, door, 'markA')
  const foreign = await makeFullApplication(t, door, 'markB')
  const all = [foreign.id, ...Object.values(foreign.ids).flat()]
  const strangers = [foreign.id, ...Object.values(foreign.ids).flatMap(([first = '']) => first)].filter(isId)
  const ids: Parameters = {
    applicationId: own.id,
    ...Object.fromEntries(Object.entries(own.ids).map(([name, [first = '']]) => [name, first])),
  }
  const device = await door.db.one<{ attributes: object[] }>('select attributes from devices where id = $1', [
    own.ids['deviceId']?.[0],
  ])
  const attributes = JSON.stringify(device?.attributes)
  const before = await sumOf(door, all, [own.id, own.ownerId])
  const token = await own.callers.session(['all.User'])
  const faults: string[] = []
  const [places, kept] = [new Set<string>(), new Set<string>()]
  let requests = 0

  for (const route of routes.filter(isAsked)) {
    for (const place of placesOf(route)) {
      const where = `${nameOf(route)} ${place.path}`
      places.add(where)
      const send = async (asked: Asked) => {
        const { body } = asked
        const more =
          body === undefined || Array.isArray(body) ? {} : { body: { ...(body as object), ...beside(where, ids) } }
        const answer = await ask(door, token, route, ids, { ...asked, ...more })
        // Some exports may be asked for only so often, unless they failed.
        if (answer.status === 202) await door.db.query(`update job_logs set status = 'failed' where status = 'queued'`)
        // And a device has each attribute once.
        await door.db.query('update devices set attributes = $2 where id = $1', [ids['deviceId'], attributes])
        return answer
      }
      const askAbsent = async () => {
        const answers: string[] = []
        for (const asked of place.ask(ABSENT_ID)) answers.push(comparable(await send(asked)))
        return answers
      }
      const absent = await askAbsent()
      if (!isReached(absent, place.path)) faults.push(`${where} is not reached: ${absent}`)
      for (const [nth, id] of strangers.entries()) {
        if (nth > 1 && kept.has(where)) break // it is not looked at
        for (const [index, asked] of place.ask(id).entries()) {
          // A query for a field that its things don't have is refused whatever the id is.
          if (nth > 0 && absent.length > 1 && absent[index]?.startsWith('400')) continue
          const answer = await send(asked)
          requests += 1
          const there = comparable(answer)
          if (answer.status < 300 && isWriting(route) && where !== MEANT && answer.text.includes(id)) kept.add(where)
          const isMeant = where === MEANT && foreign.ids['userId']?.includes(id)
          if (there !== absent[index] && !isMeant)
            faults.push(`${where}: ${there} where nothing is there ${absent[index]}`)
          const told = [foreign.mark, ...all.filter((one) => one !== id)].filter((one) => answer.text.includes(one))
          if (told.length > 0) faults.push(`${where} tells ${told}`)
        }
      }
      // What was kept of the foreign ids is overwritten, so that the next place is not blamed for it.
      if (kept.has(where)) assert.deepEqual(await askAbsent(), absent, where)
    }
  }
  t.diagnostic(`${places.size} places × ${strangers.length} foreign ids: ${requests} requests`)
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults`)
  assert.deepEqual([...kept].sort(), KEPT, 'where an id is kept unlooked at')
  assert.ok(before.length > 20)
  assert.deepEqual(
    await sumOf(door, all, [own.id, own.ownerId]),
    before,
    'nothing of the other application has changed',
  )
})
