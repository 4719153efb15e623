/**
 * Requests by chance against the real service: whatever is asked, it answers within a second, with nothing that is its own
 * fault and nothing of its inside. CHANCE_REQUESTS sets how many (20,000 in the nightly form), CHANCE_SEED repeats some.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Route } from '../../contract/route.ts'
import { type ChanceRequest, type KnownIds, requestOf } from '../support/chance-requests.ts'
import { minimal } from '../support/minimal.ts'
import { fill, nameOf, parametersOf, routes } from '../support/routes.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

const REQUESTS = Number(process.env['CHANCE_REQUESTS'] ?? 2000)
const SEED = Number(process.env['CHANCE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
/** After so many much of what there was is deleted. */
const BATCH = 250
const LONG_MS = 1000
/** Longer than any answer: a request that is cut is a hang as well. */
const HANG_MS = 20_000

interface Answer {
  readonly status: number
  readonly text: string
  readonly tookMs: number
}

test('whatever is asked is answered at once, and nothing of it is a fault of the service', async (t) => {
  await using service = await startService()
  const statuses = new Map<number, number>()
  const asked = new Set<string>()
  for (let done = 0; done < REQUESTS; done += BATCH) {
    const token = await signInAnew(service, `chance-${done}`)
    const known = await makeOneOfEach(service, token)
    const request = fc.oneof(
      ...routes.map((route) => requestOf(route, idsFor(route, known)).map((made) => ({ route, made }))),
    )
    const property = fc.asyncProperty(request, async ({ route, made }) => {
      const answer = await inTime(service, token, made, (tookMs) =>
        t.diagnostic(`${nameOf(route)} took ${tookMs} ms when it was asked first`),
      )
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      asked.add(nameOf(route))
      assert.ok(answer.status < 500, `${answer.status} ${answer.text}`)
      assert.doesNotMatch(answer.text, /\n\s+at |node_modules|\/server\/|\.ts:\d|syntax error at or near/)
    })
    await fc.assert(property, { numRuns: Math.min(BATCH, REQUESTS - done), seed: SEED + done, endOnFailure: true })
  }
  t.diagnostic(`seed ${SEED}: ${REQUESTS} requests of ${asked.size} of ${routes.length} routes`)
  t.diagnostic(
    `answers: ${[...statuses]
      .toSorted()
      .map(([status, count]) => `${count} × ${status}`)
      .join(', ')}`,
  )
  // Otherwise the requests try nothing: most would be refused at the first look.
  assert.ok((statuses.get(200) ?? 0) > REQUESTS / 50, 'hardly a request went through')
})

/** Without its application nothing of the rest could be asked: it is not deleted. */
const idsFor = ({ operation }: Route, known: KnownIds): KnownIds => (operation === 'application.delete' ? {} : known)

/** A request that took long is told, and asked once more, alone: the machine may have been at something else. */
async function inTime(
  service: RunningService,
  token: string,
  request: ChanceRequest,
  tell: (tookMs: number) => void,
): Promise<Answer> {
  const first = await ask(service, token, request)
  if (first.tookMs < LONG_MS) return first
  tell(first.tookMs)
  const second = await ask(service, token, request)
  assert.ok(second.tookMs < LONG_MS, `took ${first.tookMs} ms and ${second.tookMs} ms, both over ${LONG_MS}`)
  return first
}

async function ask({ url }: RunningService, token: string, request: ChanceRequest): Promise<Answer> {
  const from = performance.now()
  const stop = AbortSignal.timeout(HANG_MS)
  const reply = await fetch(url + request.path, {
    method: request.method,
    headers: { ...request.headers, authorization: `Bearer ${token}` },
    redirect: 'manual',
    signal: stop,
    ...(request.body === undefined ? {} : { body: request.body }),
  })
  // A stream of events goes on for as long as its run.
  const isStream = reply.headers.get('content-type')?.startsWith('text/event-stream') === true
  const text = isStream ? '' : await reply.text()
  if (isStream) await reply.body?.cancel()
  return { status: reply.status, text, tookMs: Math.round(performance.now() - from) }
}

async function signIn(service: RunningService, email: string): Promise<string> {
  const { token } = await post(service, '/auth/user', { email, password: PASSWORD })
  assert.equal(typeof token, 'string')
  return String(token)
}

/** Another owner of the installation, signed in: whoever proves who they are by chance has to wait soon. */
async function signInAnew(service: RunningService, name: string): Promise<string> {
  const owner = await signIn(service, EMAIL)
  const email = `${name}@example.com`
  await post(service, '/users', { email, password: PASSWORD, isOwner: true }, owner)
  return signIn(service, email)
}

async function post({ url }: RunningService, path: string, body: object, token?: string) {
  const reply = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  })
  return JSON.parse(await reply.text())
}

/**
 * Whatever can be made with the least that a creating route takes, below an application of its own: each thing's id by
 * the name of the parameter that stands for it in the paths below.
 */
async function makeOneOfEach({ url }: RunningService, token: string): Promise<KnownIds> {
  const known: Record<string, string[]> = {}
  const creating = routes.filter(
    ({ method, status, body, entity }) => method === 'POST' && status === 201 && body && entity,
  )
  for (const route of creating.toSorted((a, b) => parametersOf(a.path).length - parametersOf(b.path).length)) {
    if (!parametersOf(route.path).every((parameter) => known[parameter])) continue
    const first = Object.fromEntries(Object.entries(known).map(([parameter, [id = '']]) => [parameter, id]))
    const made: string[] = []
    // Some of them are deleted by what follows.
    while (made.length < (route.path === '/applications' ? 1 : 3)) {
      const reply = await fetch(url + fill(route.path, first), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(minimal(route.body?.schema ?? {})),
      })
      const { id } = JSON.parse(await reply.text())
      if (!reply.ok || typeof id !== 'string') break
      made.push(id)
    }
    if (made.length > 0) known[`${route.entity}Id`] = made
  }
  assert.ok(Object.keys(known).length > 5, `only ${Object.keys(known)} could be made`)
  return known
}
