/** The check that all answers of the journeys go through: it lets through what is described and nothing else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeApi } from '../../contract/openapi/document.ts'
import { createFaultOf } from '../support/described.ts'
import { createPublishedFaultOf } from '../support/published.ts'

const faultOf = createFaultOf((await describeApi()).document)
const publishedFaultOf = createPublishedFaultOf()

const [application, device] = ['6923a1f05c3e8d0012a4b701', '6923a2105c3e8d0012a4b703']
const answer = {
  method: 'GET',
  path: `/applications/${application}/devices/compositeState?page=0`,
  status: 200,
  contentType: 'application/json; charset=utf-8',
  body: {
    items: [{ id: device, name: 'Freezer 3', compositeState: {} }],
    count: 1,
    totalCount: 1,
    perPage: 100,
    page: 0,
    sortField: 'name',
    sortDirection: 'asc',
    applicationId: application,
  },
}

test('an answer as it is described has no fault, and what is no operation is not judged', () => {
  assert.equal(faultOf(answer), undefined)
  assert.equal(faultOf({ ...answer, path: '/nowhere', status: 404 }), undefined)
  const refused = { type: 'NotFound', message: 'Application was not found' }
  assert.equal(faultOf({ ...answer, status: 404, body: refused }), undefined)
})

test('a status, a media type, a property or a value that is not described is a fault, with its place', () => {
  assert.match(faultOf({ ...answer, status: 500 }) ?? '', /answered 500, which is not described/)
  assert.match(
    faultOf({ ...answer, contentType: 'text/plain' }) ?? '',
    /as text\/plain, described is application\/json/,
  )
  const more = { ...answer.body, items: [{ ...answer.body.items[0], colour: 'red' }] }
  assert.match(faultOf({ ...answer, body: more }) ?? '', /\/items\/0 must NOT have additional properties .*colour/)
  assert.match(faultOf({ ...answer, body: { ...answer.body, count: '1' } }) ?? '', /\/count must be integer/)
})

const skip = publishedFaultOf === undefined && 'the published description is not beside this repository'

test('an answer that the original could not give is a fault', { skip }, () => {
  assert.equal(publishedFaultOf?.(answer), undefined)
  const { items: _, ...less } = answer.body
  const fault = publishedFaultOf?.({ ...answer, body: { ...less, count: 'one' } })
  assert.match(fault ?? '', /the published compositeDevicesState does not allow that:\n {2}\/count must be/)
})
