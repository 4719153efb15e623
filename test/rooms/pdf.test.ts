/** Pages printed by a real Chromium in a real sandbox: what is on the paper, and what a page with scripts can't reach. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createPdfMaker, type PdfMaker, type PdfRequest } from '../../server/render/pdf.ts'
import type { RenderedFile } from '../../server/render/rendering.ts'
import { noChromium, testBrowser } from '../support/chromium.ts'
import { testHost, testImage } from '../support/image.ts'
import { openRenderer } from '../support/pages.ts'
import { pdfPages } from '../support/pdf-text.ts'

const skip = await noChromium()
const host = await testHost()
let maker: PdfMaker
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  maker = createPdfMaker({ host, browser: testBrowser })
})
after(async () => {
  await maker[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const page = (body: string) =>
  `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><main>${body}</main></body></html>`

let made = 0
async function print(body: string, options: Partial<PdfRequest> = {}) {
  const pdfPath = join(folder, `${++made}.pdf`)
  const printed = await maker.make({
    html: page(body),
    title: 'Rain',
    owner: 'us',
    pdfPath,
    deadlineMs: 60_000,
    ...options,
  })
  return { printed, pages: printed.kind === 'rendered' ? await pdfPages(pdfPath) : [], pdfPath }
}

const joined = (pages: readonly string[]) => pages.join('\n')

test('a page becomes paper: every page has its number and the title, and nothing of a long line is lost', {
  skip,
}, async () => {
  const line = Array.from({ length: 120 }, (_, index) => `value${index}`).join('+')
  const rows = Array.from({ length: 150 }, (_, index) => `<tr><td>row ${index}</td></tr>`).join('')
  const { printed, pages } = await print(
    `<h1>雨量 강수량 降水量</h1><pre style="overflow: auto; white-space: pre">${line}</pre><table>${rows}</table>`,
  )
  assert.equal(printed.kind, 'rendered', JSON.stringify(printed))
  assert.ok(pages.length > 2, `${pages.length} pages`)
  pages.forEach((text, index) => {
    assert.ok(text.includes(`${index + 1} / ${pages.length}`), `page ${index + 1}: ${text.slice(-40)}`)
    assert.match(text, /Rain/)
  })
  assert.match((pages[0] ?? '').replaceAll(/\s/g, ''), /雨量강수량降水量/)
  assert.ok(joined(pages).replaceAll('\n', '').includes(line))
  assert.match(joined(pages), /row 149/)
})

test('a table wider than the paper is on it whole', { skip }, async () => {
  const cells = Array.from({ length: 25 }, (_, index) => `<td>column${index}</td>`).join('')
  const { pages } = await print(`<div style="overflow-x: auto"><table><tr>${cells}</tr></table></div>`)
  assert.equal(pages.length, 1)
  for (let index = 0; index < 25; index++) assert.ok(pages[0]?.includes(`column${index}`), `column${index} is missing`)
})

test('scripts draw before the page is printed, also a moment later', { skip }, async () => {
  const { pages } = await print(
    `<svg width="300" height="40"><text id="now" y="20"></text></svg><p id="later"></p><script>
      document.getElementById('now').textContent = 'drawn at once'
      let steps = 0
      const step = () => { document.getElementById('later').textContent = 'step ' + ++steps; if (steps < 10) setTimeout(step, 20) }
      setTimeout(step, 20)
    </script>`,
  )
  assert.match(joined(pages), /drawn at once/)
  assert.match(joined(pages), /step 10/)
})

test('a page reaches no address and no file, and what it asks of people is answered by nobody', { skip }, async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('got it')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const { printed, pages } = await print(
    `<p>begin</p><img src="${url}/picture"><iframe src="${url}/frame"></iframe><iframe src="file:///etc/passwd"></iframe>
    <object data="file:///etc/passwd" type="text/plain"></object><p id="said"></p><script>
      alert('look'); confirm('sure?'); print()
      const say = (what) => document.getElementById('said').append(what + '; ')
      fetch('${url}/fetch').then(() => say('fetched'), () => say('not fetched'))
      fetch('file:///etc/passwd').then(() => say('read'), () => say('not read'))
      open('${url}/window')
      try { localStorage.setItem('a', 1); say('stored') } catch { say('not stored') }
      new WebSocket('${url.replace('http', 'ws')}/socket').onerror = () => say('no socket')
      setTimeout(() => { location = '${url}/elsewhere' }, 30)
    </script>`,
  )
  server.close()
  assert.equal(printed.kind, 'rendered', JSON.stringify(printed))
  assert.deepEqual(asked, [])
  assert.match(joined(pages), /begin/)
  assert.match(joined(pages).replaceAll('\n', ' '), /not fetched/)
  assert.match(joined(pages).replaceAll('\n', ' '), /not read/)
  assert.doesNotMatch(joined(pages), /root:|stored;(?<!not stored;)/)
})

test('a page that never ends is ended, and the next one is printed', { skip }, async () => {
  const hung = await print('<script>for (;;);</script>', { deadlineMs: 3000 })
  assert.deepEqual(hung.printed, { kind: 'failed', message: 'The printing of the PDF took too long' })
  const { pages } = await print('<p>still here</p>')
  assert.match(joined(pages), /still here/)
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.part')),
    [],
  )
})

test('a page that takes all memory is ended, and the next one is printed', { skip }, async () => {
  const { printed } = await print('<script>const all = []; for (;;) all.push(new Uint8Array(5e7).fill(1))</script>')
  assert.equal(printed.kind, 'failed')
  assert.match(printed.kind === 'failed' ? printed.message : '', /memory/)
  assert.match(joined((await print('<p>still here</p>')).pages), /still here/)
})

test('a page that closes itself is a failure with a reason', { skip }, async () => {
  const { printed } = await print('<script>close()</script><p>text</p>')
  assert.deepEqual(printed, { kind: 'failed', message: 'The PDF could not be printed: its page closed itself' })
  assert.match(joined((await print('<p>still here</p>')).pages), /still here/)
})

test('pages are printed beside each other, and a canceled one ends at once', { skip }, async () => {
  const many = await Promise.all(Array.from({ length: 3 }, (_, index) => print(`<p>number ${index}</p>`)))
  for (const [index, { pages }] of many.entries()) assert.match(joined(pages), new RegExp(`number ${index}`))
  const cancel = new AbortController()
  const hanging = print('<script>for (;;);</script>', { signal: cancel.signal })
  setTimeout(() => cancel.abort(), 300)
  assert.deepEqual((await hanging).printed, { kind: 'failed', message: 'The printing of the PDF was canceled' })
})

test('pages of different owners never share a browser, those of one owner do', { skip }, async () => {
  await using few = createPdfMaker({ host, browser: testBrowser, idleMs: 60_000 })
  const printFor = async (owner: string) => {
    const pdfPath = join(folder, `owner-${++made}.pdf`)
    const printed = await few.make({ html: page('text'), title: 'Rain', owner, pdfPath, deadlineMs: 60_000 })
    assert.equal(printed.kind, 'rendered', JSON.stringify(printed))
    return few.idle.map((one) => `${one.number} of ${one.owner}`)
  }
  assert.deepEqual(await printFor('one'), ['1 of one'])
  assert.deepEqual(await printFor('one'), ['1 of one'])
  assert.deepEqual(await printFor('two'), ['1 of one', '2 of two'])
  assert.deepEqual(await printFor('three'), ['2 of two', '3 of three'], 'and not more than two wait')
  few.announce('four')
  assert.deepEqual(await printFor('four'), ['3 of three', '4 of four'], 'the one that was announced')
})

test('without a browser there is no PDF, with the reason, and pages are made as ever', async () => {
  const reason = 'There is none on this machine'
  const renderer = await openRenderer({ browser: () => Promise.reject(new Error(reason)) })
  const ipynbPath = join(folder, 'none.ipynb')
  await writeFile(ipynbPath, '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
  const image = await testImage()
  renderer.warm(image, 'us', ['result.html', 'result.pdf'])
  const render = (file: RenderedFile) =>
    renderer.render(file, { image, ipynbPath, path: join(folder, `none-${file}`), title: 'Rain', owner: 'us' })
  assert.deepEqual(await render('result.pdf'), { kind: 'failed', message: reason, isLasting: true })
  assert.equal((await render('result.html')).kind, 'rendered')
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('none-')),
    ['none-result.html'],
  )
})
