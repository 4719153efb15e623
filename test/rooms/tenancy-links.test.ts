/**
 * What opens without a token: links to blobs and to private files, forms to upload with, public files by their path. Each
 * opens what it was made for, and nothing of another application when any part of it is exchanged for that one's.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCallbackSecret } from '../../contract/deliveries.ts'
import { getExecution } from '../../contract/executions.ts'
import { getJobLog } from '../../contract/job-logs.ts'
import { getNotebook } from '../../contract/notebooks.ts'
import { linkTo } from '../../server/stores/blobs/links.ts'
import { SECRET } from '../support/door.ts'
import { fieldsOf, MULTIPART, multipart } from '../support/forms.ts'
import { type FullApplication, makeFullApplication } from '../support/full-application.ts'
import { ask } from '../support/requests.ts'
import { openTenancyDoor, sumOf, type TenancyDoor } from '../support/tenancy.ts'

/** The links that the API tells to the owner of an application. */
async function linksOf(door: TenancyDoor, { id, ids, callers }: FullApplication): Promise<string[]> {
  const token = await callers.session(['all.User'])
  const at = {
    applicationId: id,
    ...Object.fromEntries(Object.entries(ids).map(([name, [first = '']]) => [name, first])),
  }
  const told: string[] = []
  for (const route of [getNotebook, getExecution, getJobLog]) {
    const { text } = await ask(door, token, route, at)
    told.push(...[...text.matchAll(/"(http[^"]*\/blobs\/[^"]+)"/g)].map(([, link = '']) => link))
  }
  return told
}

/** A link in its parts: what it names, what it is called, until when, and the signature over these. */
function partsOf(link: string) {
  const { pathname, searchParams } = new URL(link)
  const [, kind = '', ...rest] = pathname.split('/')
  return {
    kind,
    path: rest,
    expires: searchParams.get('expires') ?? '',
    signature: searchParams.get('signature') ?? '',
  }
}

const joined = ({ kind, path, expires, signature }: ReturnType<typeof partsOf>) =>
  `/${[kind, ...path].join('/')}?expires=${expires}&signature=${signature}`

/** Every way to mix the parts of two links of one kind, each part from the one or the other, but for the two themselves. */
function mixtures(one: ReturnType<typeof partsOf>, other: ReturnType<typeof partsOf>): string[] {
  const names = [...one.path.keys(), 'expires', 'signature'] as const
  const mixed = new Set<string>()
  for (let bits = 1; bits < 2 ** names.length - 1; bits += 1) {
    const from = (place: number) => ((bits >> place) & 1 ? other : one)
    const path = one.path.map((_, place) => from(place).path[place] ?? '')
    const [expires, signature] = [from(one.path.length).expires, from(one.path.length + 1).signature]
    mixed.add(joined({ kind: one.kind, path, expires, signature }))
  }
  for (const whole of [one, other]) mixed.delete(joined(whole))
  return [...mixed]
}

async function openScene(t: Parameters<typeof openTenancyDoor>[0]) {
  const door = await openTenancyDoor(t)
  const own = await makeFullApplication(t, door, 'markA')
  const foreign = await makeFullApplication(t, door, 'markB')
  const get = async (path: string) => {
    const reply = await fetch(new URL(path, door.url))
    return { status: reply.status, text: await reply.text() }
  }
  return { door, own, foreign, get }
}

test('links open what they were made for, and nothing when a part is exchanged for that of another', async (t) => {
  const { door, own, foreign, get } = await openScene(t)
  const links = { own: await linksOf(door, own), foreign: await linksOf(door, foreign) }
  assert.ok(links.own.length >= 6, `${links.own.length} links`)
  for (const link of [...links.own, ...links.foreign])
    assert.equal((await get(joined(partsOf(link)))).status, 200, link)

  const pairs = links.own.flatMap((link) => links.foreign.map((other) => [link, other] as const))
  let tried = 0
  for (const [link, other] of [...pairs, [own.privateUrl, foreign.privateUrl] as const]) {
    for (const mixed of mixtures(partsOf(link), partsOf(other))) {
      // Those that end in the same millisecond under the same name may be mixed to themselves.
      if ([...links.own, ...links.foreign].some((one) => joined(partsOf(one)) === mixed)) continue
      const { status, text } = await get(mixed)
      assert.deepEqual([status, text.includes('This link is not valid')], [403, true], mixed)
      tried += 1
    }
  }
  for (const { key, name } of foreign.blobs) {
    const good = linkTo(SECRET, { key, fileName: name, expiresAt: new Date(Date.now() + 60_000) })
    assert.equal((await get(good)).status, 200, 'the blob is there')
    const forged = linkTo(Buffer.alloc(32, 8), { key, fileName: name, expiresAt: new Date(Date.now() + 60_000) })
    assert.equal((await get(forged)).status, 403)
  }
  t.diagnostic(`${tried} mixtures of the parts of two links, none opens`)
})

test('paths of public files lead nowhere else, and a private file has none', async (t) => {
  const { own, foreign, get } = await openScene(t)
  const path = (mark: string) => `folder_${mark}/shared.txt`
  assert.equal((await get(`/files/${foreign.id}/${path(foreign.mark)}`)).text, `public ${foreign.mark}`)
  for (const [up, slash] of [
    ['..', '/'],
    ['%2e%2e', '/'],
    ['..', '%2f'],
    ['%2e%2e', '%2f'],
  ]) {
    const { status, text } = await get(`/files/${own.id}/${up}${slash}${foreign.id}${slash}${path(foreign.mark)}`)
    // What a client has resolved by itself is the public file; else there is none.
    assert.ok(status === 404 || text === `public ${foreign.mark}`, `${status} ${text}`)
    assert.ok(!text.includes('private'))
  }
  assert.equal((await get(`/files/${own.id}/${path(foreign.mark)}`)).status, 404)
})

test('a form uploads to the file it was made for, and to no other when its fields are exchanged', async (t) => {
  const { door, own, foreign } = await openScene(t)
  const watched = () => sumOf(door, [foreign.id, ...Object.values(foreign.ids).flat()], [own.id, own.ownerId])
  const before = await watched()
  const send = async (fields: Readonly<Record<string, string>>) => {
    const parts = [...fieldsOf({ url: '', fields }), { name: 'file', content: 'changed', fileName: 'f' }]
    const reply = await fetch(`${door.url}/uploads`, { method: 'POST', headers: MULTIPART, body: multipart(parts) })
    return { status: reply.status, text: await reply.text() }
  }
  let tried = 0
  for (const { fields } of own.forms) {
    for (const { fields: others } of foreign.forms) {
      const names = Object.keys(fields)
      for (let bits = 1; bits < 2 ** names.length - 1; bits += 1) {
        const mixed = Object.fromEntries(
          names.map((name, place) => [name, ((bits >> place) & 1 ? others : fields)[name] ?? '']),
        )
        const isWhole = [fields, others].some((form) =>
          ['key', 'Policy', 'X-Amz-Signature'].every((name) => form[name] === mixed[name]),
        )
        if (isWhole) continue // the other fields mean nothing
        const { status, text } = await send(mixed)
        assert.equal(status, 403, `${JSON.stringify(mixed)}: ${text}`)
        tried += 1
      }
    }
  }
  assert.deepEqual(await watched(), before)
  for (const { fields } of own.forms) assert.equal((await send(fields)).status, 204, 'as it is, it uploads')
  assert.deepEqual(await watched(), before)
  t.diagnostic(`${tried} mixtures of the fields of two forms, none uploads`)
})

test('each application has its own secret of callbacks', async (t) => {
  const { door, own, foreign } = await openScene(t)
  const secretOf = async ({ id, callers }: FullApplication) =>
    JSON.parse((await ask(door, await callers.session(['all.User']), getCallbackSecret, { applicationId: id })).text)
      .secret
  const secrets = [await secretOf(own), await secretOf(foreign)]
  assert.match(secrets[0], /^[0-9a-f]{64}$/)
  assert.notEqual(secrets[0], secrets[1])
})
