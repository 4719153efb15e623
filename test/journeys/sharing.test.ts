/** A shared application as its members see it: what ran in it, its files and links, and what their roles let them do. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import { createMember, deleteMember, listMembers } from '../../contract/members.ts'
import { createUser } from '../../contract/users.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
before(async () => {
  service = await startService()
})
after(() => service[Symbol.asyncDispose]())

/** A user with a password, as the official client signs them in. */
async function person(name: string): Promise<{ losant: Official; email: string; userId: string }> {
  const owner = await signIn(service.url, EMAIL, PASSWORD)
  const [email, password] = [`${name}@example.com`, `a password of ${name}`]
  const { id } = await owner.call(createUser, { body: { email, password } })
  return { losant: await signInOfficially(service.url, email, password), email, userId: id }
}

test('a viewer sees and opens what ran, an editor runs it, and nobody does after the share has ended', async () => {
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant, 'a shared plant')
  const notebook = await makeNotebook(losant, applicationId, {}, 'print("for all to see")')
  await runToEnd(losant, notebook)
  const [viewer, editor] = [await person('vera'), await person('edith')]
  const params = { applicationId }
  const ids = { ...params, notebookId: notebook.id }
  assert.deepEqual(await refusal(viewer.losant.call('notebook.logs', ids)), {
    statusCode: 404,
    type: 'NotFound',
    message: 'Application was not found',
  })
  await client.call(createMember, { params, body: { email: viewer.email, role: 'viewer' } })
  await client.call(createMember, { params, body: { email: editor.email, role: 'editor' } })

  const { items: applications } = await viewer.losant.call<{ items: { id: string; name: string }[] }>(
    'applications.get',
    {},
  )
  assert.deepEqual(
    applications.map(({ name }) => name),
    ['a shared plant'],
  )
  const logs = await viewer.losant.call<{ outputInfo: Record<string, { url: string }> }[]>('notebook.logs', ids)
  assert.equal(logs.length, 1)
  assert.match(await open(logs[0]?.outputInfo ?? {}, 'result.log'), /for all to see/)
  const refused = await refusal(viewer.losant.call('notebook.execute', { ...ids, executionOptions: {} }))
  assert.deepEqual(
    [refused.statusCode, refused.message],
    [403, 'This needs the role editor in the application; yours is viewer'],
  )

  assert.equal((await runToEnd(editor.losant, notebook)).status, 'completed')
  assert.equal((await refusal(editor.losant.call('application.delete', params))).statusCode, 403)
  const { items } = await client.call(listMembers, { params })
  assert.deepEqual(
    items.map(({ email, status }) => [email, status]),
    [
      [EMAIL, 'owner'],
      [viewer.email, 'joined'],
      [editor.email, 'offered'],
    ],
  )
  await client.call(deleteMember, { params: { ...params, userId: viewer.userId } })
  assert.equal((await refusal(viewer.losant.call('notebook.logs', ids))).statusCode, 404)
  assert.equal((await viewer.losant.call<{ items: unknown[] }>('applications.get', {})).items.length, 0)
})
