/**
 * Pages that notebooks and people made, opened in a real Chromium: they get nothing that the browser keeps for us, nothing
 * of our API, and no other page. Each is opened twice, the second time without the headers that keep it from all that: then
 * it gets everything, which shows that the attack is one and that it had its time.
 */

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { type ApplicationFile, createFile, uploadFile } from '../../contract/files.ts'
import { createPrivateFile, uploadPrivateFile } from '../../contract/private-files.ts'
import { type Chromium, noChromium, openChromium, type Page } from '../support/chromium.ts'
import {
  type Collector,
  FRAMED,
  hostileHtml,
  hostileOutput,
  hostileRefresh,
  hostileSvg,
  hostileXhtml,
  LOADED,
  SCRIPTED,
  startCollector,
  startUnboxed,
} from '../support/hostile-pages.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, runToEnd } from '../support/steps.ts'
import { until } from '../support/until.ts'

const skip = await noChromium()
const NAME = 'somebody’s plant'

let service: RunningService
let losant: Official
let client: Client
let chromium: Chromium
let applicationId: string
/** The path of a page that others made, with something to read in it. */
let other: string

before(async () => {
  if (skip) return
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  chromium = await openChromium()
  applicationId = (await makeApplication(losant, NAME)).id
  other = new URL((await publish('other.html', 'text/html', '<p>figures of others</p>')).url ?? '').pathname
})
after(async () => {
  await chromium?.[Symbol.asyncDispose]()
  await service?.[Symbol.asyncDispose]()
})

const bytes = (text: string) => ({ name: 'x', bytes: new TextEncoder().encode(text) })

/** A public file of this type. */
async function publish(name: string, contentType: string, content: string): Promise<ApplicationFile> {
  const post = { name, contentType, type: 'file' as const }
  const { id: fileId } = await client.call(createFile, { params: { applicationId }, body: post })
  return client.call(uploadFile, { params: { applicationId, fileId }, file: bytes(content) })
}

/** A private one. */
async function hide(name: string, contentType: string, content: string): Promise<ApplicationFile> {
  const post = { name, contentType, type: 'file' as const }
  const { id: privateFileId } = await client.call(createPrivateFile, { params: { applicationId }, body: post })
  return client.call(uploadPrivateFile, { params: { applicationId, privateFileId }, file: bytes(content) })
}

/** A tab whose browser keeps a token, a cookie and our API's own token for an address, as if a console had been used there. */
async function tabWithSecrets(origin: string): Promise<Page> {
  const page = await chromium.newPage()
  assert.equal(await page.goto(`${origin}/healthz`), undefined)
  const kept = await page.evaluate(`
    localStorage.setItem('token', 'planted-token'); localStorage.setItem('api', ${JSON.stringify(client.token)})
    document.cookie = 'session=planted-session'; localStorage.getItem('token') + ' ' + document.cookie`)
  assert.equal(kept, 'planted-token session=planted-session')
  return page
}

interface Opened {
  readonly boxed: Collector
  readonly bare: Collector
  /** Waits until the page has told these things where nothing boxes it in. */
  readonly untilBare: (things: readonly string[]) => Promise<void>
  /** The tab of the page that is boxed in. */
  readonly page: Page
}

/** Opens the page that `make` gives the address of, as it is served, and then without what boxes it in. */
async function openBoth(t: TestContext, make: (collector: string) => Promise<string | undefined>): Promise<Opened> {
  const [boxed, bare] = [await startCollector(t), await startCollector(t)]
  const unboxed = await startUnboxed(t, service.url, boxed, bare)
  const url = new URL((await make(boxed.url)) ?? '')
  assert.equal(url.origin, service.url)
  const page = await tabWithSecrets(service.url)
  assert.equal(await page.goto(url.href), undefined)
  const control = await tabWithSecrets(unboxed)
  const opened = control.goto(unboxed + url.pathname + url.search)
  const untilBare = async (things: readonly string[]) => {
    await opened
    await until(() => things.every((what) => bare.told.has(what)))
  }
  return { boxed, bare, untilBare, page }
}

/** What the page that is boxed in could do, seen from outside of it. */
async function requireBoxed({ boxed, page }: Opened): Promise<void> {
  assert.deepEqual([...boxed.told], [], 'the page told something')
  assert.equal(await page.evaluate('self.origin'), 'null', 'it has an origin of its own')
  for (const read of ['localStorage', 'sessionStorage', 'document.cookie', 'indexedDB.open("a")']) {
    await assert.rejects(page.evaluate(`void ${read}`), /SecurityError|denied/, read)
  }
  await assert.rejects(page.evaluate(`fetch('/applications', { credentials: 'include' })`), /Failed to fetch/)
}

/** Every place from which a file of others opens. */
const places: [place: string, make: (collector: string) => Promise<string | undefined>][] = [
  ['a public file', async (collector) => (await publish('a.html', 'text/html', hostileHtml(collector, other))).url],
  [
    'a public file whose name says nothing of its type',
    async (collector) => (await publish('a.csv', 'text/html; charset=utf-8', hostileHtml(collector, other))).url,
  ],
  ['a private file', async (collector) => (await hide('b.html', 'text/html', hostileHtml(collector, other))).url],
  [
    'an output',
    async (collector) => {
      const notebook = await makeNotebook(
        losant,
        applicationId,
        { outputs: [{ outputType: 'temporaryUrl', fileName: 'attack.html' }] },
        `import os\nopen(os.environ["OUTPUT_DIR"] + "/attack.html", "w").write(${JSON.stringify(hostileHtml(collector, other))})`,
      )
      return (await runToEnd(losant, notebook)).outputInfo['attack.html']?.url
    },
  ],
  [
    'an input',
    async (collector) => {
      await publish('input.html', 'text/html', hostileHtml(collector, other))
      const input = { inputType: 'applicationFile', fileName: 'input.html', filePath: '/input.html' } as const
      const notebook = await makeNotebook(losant, applicationId, { inputs: [input] }, '1')
      return (await runToEnd(losant, notebook)).inputInfo['input.html']?.url
    },
  ],
]
for (const [place, make] of places) {
  test(`a page that is ${place} reads, calls, frames and opens nothing of ours`, { skip }, async (t) => {
    const opened = await openBoth(t, make)
    await opened.untilBare([...SCRIPTED, ...FRAMED, ...LOADED])
    const { told } = opened.bare
    assert.deepEqual([told.get('storage'), told.get('cookie')], ['planted-token', 'session=planted-session'])
    assert.match(told.get('api') ?? '', new RegExp(NAME))
    assert.match(told.get('framed') ?? '', /"ready":true/)
    assert.match(told.get('opened') ?? '', /"ready":true/)
    assert.match(told.get('other') ?? '', /figures of others/)
    await requireBoxed(opened)
    const frames = await opened.page.evaluate(`[...document.querySelectorAll('iframe')].map((f) => f.contentDocument)`)
    assert.deepEqual(frames, [null, null])
  })
}

const types: [type: string, name: string, make: (collector: string) => string][] = [
  ['image/svg+xml', 'plot.svg', hostileSvg],
  ['application/xhtml+xml', 'page.xhtml', hostileXhtml],
  ['text/xml', 'page.xml', hostileXhtml],
]
for (const [type, name, make] of types) {
  test(`a document of type ${type} runs no script`, { skip }, async (t) => {
    const opened = await openBoth(t, async (collector) => (await publish(name, type, make(collector))).url)
    await opened.untilBare(SCRIPTED)
    assert.equal(opened.bare.told.get('storage'), 'planted-token')
    assert.match(opened.bare.told.get('api') ?? '', new RegExp(NAME))
    await requireBoxed(opened)
  })
}

test('result.html of a notebook that shows a script keeps it from running', { skip }, async (t) => {
  const opened = await openBoth(t, async (collector) => {
    const html = JSON.stringify(hostileOutput(collector))
    const notebook = await makeNotebook(
      losant,
      applicationId,
      { outputs: [{ outputType: 'executionResult', fileName: 'result.html' }] },
      `from IPython.display import HTML\nHTML(${html})`,
    )
    return (await runToEnd(losant, notebook)).outputInfo['result.html']?.url
  })
  await opened.untilBare(['went'])
  const got = { storage: 'planted-token', cookie: 'session=planted-session' }
  assert.deepEqual(JSON.parse(opened.bare.told.get('went') ?? ''), got)
  await requireBoxed(opened)
})

test('a page that was asked for with a token in the address knows nothing of the token', { skip }, async () => {
  const notebook = await makeNotebook(losant, applicationId, {}, 'print("a figure")')
  const { id } = await runToEnd(losant, notebook)
  const page = await chromium.newPage()
  const asked = `/applications/${applicationId}/notebooks/${notebook.id}/executions/${id}/result.html`
  assert.equal(await page.goto(`${service.url}${asked}?access_token=${client.token}`), undefined)
  const known = await page.evaluate(`[self.origin, document.body.innerText, location.href, document.referrer,
    document.documentElement.outerHTML, ...performance.getEntries().map(({ name }) => name)]`)
  assert.ok(Array.isArray(known))
  const [origin, text, ...places] = known.map(String)
  assert.equal(origin, 'null')
  assert.match(text ?? '', /a figure/)
  for (const place of places) assert.ok(!place.includes(client.token ?? ''), place.slice(0, 200))
})

test('a page takes its reader nowhere by itself', { skip }, async (t) => {
  const opened = await openBoth(
    t,
    async (collector) => (await publish('go.html', 'text/html', hostileRefresh(collector))).url,
  )
  await opened.untilBare(['refreshed'])
  await requireBoxed(opened)
  assert.match(String(await opened.page.evaluate('document.body.innerText')), /Please wait/)
})

test('no page frames an answer of the API', { skip }, async (t) => {
  const page = await chromium.newPage()
  const collector = await startCollector(t)
  assert.equal(await page.goto(`${collector.url}/blank`), undefined)
  const frame = `new Promise((done) => { const f = document.createElement('iframe'); f.src = '${service.url}/healthz'; f.onload = done; document.body.append(f) })`
  await page.evaluate(frame)
  assert.match(page.console.join('\n'), /frame-ancestors/)
})
