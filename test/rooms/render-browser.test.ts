/** A page as people see it: in a real Chromium, by light and by dark, on paper, and with nothing asked of anybody. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import { noChromium, openChromium } from '../support/chromium.ts'
import { code, printed, prose, render } from '../support/pages.ts'

const skip = await noChromium()
const parts = new AsyncDisposableStack()
after(() => parts.disposeAsync())
const folder = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
parts.defer(() => rm(folder, { recursive: true }))
const chromium = skip === false ? parts.use(await openChromium()) : undefined

/** The page of these cells, opened from a disk. */
async function openPage(...cells: unknown[]) {
  return openHtml((await render(cells)).html)
}

async function openHtml(html: string) {
  const path = join(folder, `${Math.random()}.html`)
  await writeFile(path, html)
  const page = await chromium?.newPage()
  if (!page) throw new Error('there is no browser')
  assert.equal(await page.goto(pathToFileURL(path).href), undefined)
  return page
}

const html = (markup: string) =>
  code([{ output_type: 'display_data', metadata: {}, data: { 'text/html': markup, 'text/plain': 'x' } }])

test('a page asks nobody for anything, whatever its notebook names', { skip }, async () => {
  let heard = 0
  const ears = createServer((_, response) => {
    heard += 1
    response.end()
  }).listen(0, '127.0.0.1')
  await once(ears, 'listening')
  const url = `http://127.0.0.1:${(ears.address() as AddressInfo).port}/`
  const { html: page } = await render([
    prose(`![a](${url}a.png) <img src="${url}b.png"> <link rel="stylesheet" href="${url}c.css">`),
    html(`<script src="${url}d.js"></script><iframe src="${url}e"></iframe><style>@import "${url}f.css"</style>`),
    html(`<script>fetch("${url}g"); new Image().src = "${url}h"; navigator.sendBeacon("${url}i")</script>`),
    html(`<svg><image href="${url}j.png"/></svg><video src="${url}k.mp4"></video><object data="${url}l"></object>`),
  ])
  const opened = await openHtml(page)
  await opened.evaluate('new Promise((done) => setTimeout(done, 300))')
  assert.equal(heard, 0)
  // It is the page's own policy that keeps it quiet.
  await openHtml(page.replace(/<meta http-equiv[^>]*>/, ''))
  assert.ok(heard > 5, `${heard} requests`)
  ears.close()
})

test('formulas are laid out as formulas', { skip }, async () => {
  const page = await openPage(prose('$$\\frac{a}{b}$$\n\n$$\\begin{align} x &= 1 \\\\ xxxxxx &= 2 \\end{align}$$'))
  assert.equal(
    await page.evaluate(`(() => {
      const [above, below] = document.querySelector('mfrac').children
      const [first, second] = [...document.querySelectorAll('mtr')].map((row) => row.children[0].firstElementChild)
      const right = (element) => Math.round(element.getBoundingClientRect().right)
      return above.getBoundingClientRect().bottom <= below.getBoundingClientRect().top && right(first) === right(second)
    })()`),
    true,
  )
  assert.deepEqual(page.console, [])
})

test('it is light or dark as its reader likes, and always light on paper', { skip }, async () => {
  const page = await openPage(printed('text'))
  const brightness = async (media: string, scheme: string) => {
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await page.send('Emulation.setEmulatedMedia', { media, features })
    const colour = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
    return Number(/\d+/.exec(colour)?.[0])
  }
  assert.ok((await brightness('screen', 'light')) > 200)
  assert.ok((await brightness('screen', 'dark')) < 60)
  assert.ok((await brightness('print', 'dark')) > 200)
})

test('on a screen long lines of code scroll, on paper they wrap', { skip }, async () => {
  const page = await openPage(code([], `x = ${'"a long line " + '.repeat(40)}""`))
  const fits = async (media: string) => {
    await page.send('Emulation.setEmulatedMedia', { media })
    return page.evaluate(
      '(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector("pre"))',
    )
  }
  assert.equal(await fits('screen'), false)
  assert.equal(await fits('print'), true)
})
