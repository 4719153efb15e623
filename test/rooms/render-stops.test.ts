/** Renderings that are stopped or can't begin: what that costs is their file, not the run, the service or the next page. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { openWorkingFolder } from '../../server/executions/folder.ts'
import type { Execution } from '../../server/executions/record.ts'
import { makeResults } from '../../server/executions/results.ts'
import { NOTEBOOK_LIMITS, parseNotebook } from '../../server/kernel/notebook.ts'
import type { Renderer } from '../../server/render/renderer.ts'
import { image, openRenderer, printed, prose, render } from '../support/pages.ts'
import { ipynb } from '../support/steps.ts'
import { until } from '../support/until.ts'

const root = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
after(() => rm(root, { recursive: true }))

/** A page that takes seconds. */
const slow = [prose('*a '.repeat(200_000))]

const ownedBy = (renderer: Renderer, owner: string): Pick<Renderer, 'render'> => ({
  render: (file, request) => renderer.render(file, { ...request, owner }),
})

for (const [why, stopping] of [
  ['it was canceled', () => AbortSignal.abort()],
  ['it took too long', () => AbortSignal.timeout(100)],
] as const) {
  test(`a run whose pages wait for their turns when it ends keeps its other results: ${why}`, async () => {
    const renderer = await openRenderer()
    const stopOthers = new AbortController()
    const others = ['one', 'two'].map((owner) => render(slow, ownedBy(renderer, owner), stopOthers.signal))
    await until(async () => renderer.state[image.version]?.ready === true)
    const stop = new AbortController()
    await using folder = openWorkingFolder(root, { id: `run-${why}`, attempt: 1 })
    // Only what is read of it.
    const execution = {
      applicationId: 'three',
      snapshot: {
        name: 'Rain',
        outputs: ['result.html', 'result.pdf'].map((fileName) => ({ outputType: 'executionResult', fileName })),
      },
    } as unknown as Execution
    const notebook = parseNotebook(Buffer.from(ipynb('1')), NOTEBOOK_LIMITS, 'any')
    const logs = new Map([['result.log', Buffer.from('printed')]])
    const waiting: Pick<Renderer, 'render'> = {
      render: (file, request) => {
        const made = renderer.render(file, request)
        const stopped = stopping()
        const end = () => stop.abort(stopped.reason)
        if (stopped.aborted) void setImmediate().then(end)
        else stopped.addEventListener('abort', end)
        return made
      },
    }
    const { files, unmade } = await makeResults(execution, notebook, logs, folder, {
      image,
      renderer: { ...renderer, ...waiting },
      signal: stop.signal,
    })
    assert.deepEqual([...files.keys()], ['result.log', 'result.ipynb'])
    assert.deepEqual(
      unmade.map(({ message }) => message),
      [`result.html could not be made: ${why}`, `result.pdf could not be made: ${why}`],
    )
    stopOthers.abort()
    await Promise.all(others)
  })
}

test('two pages of one owner are not made at once, so that another one has a turn', async () => {
  const renderer = await openRenderer()
  const stop = new AbortController()
  const many = Array.from({ length: 3 }, () => render(slow, renderer, stop.signal).catch(() => {}))
  await until(async () => renderer.state[image.version]?.ready === true)
  const { html } = await render([printed('of another')], ownedBy(renderer, 'another'))
  assert.match(html, /of another/)
  assert.equal(await Promise.race([Promise.race(many).then(() => 'ended'), setImmediate('going')]), 'going')
  stop.abort()
  await Promise.all(many)
})

test('a child that can’t be forked ahead costs nothing, and a page that has none for that reason is no page', async () => {
  const renderer = await openRenderer({ idleMs: 2000 })
  const spareIsThere = () =>
    until(async () => (await readdir(renderer.folder)).some((name) => /^[0-9a-f]{16}$/.test(name)))
  await render([printed('1')], renderer)
  await spareIsThere()
  // As with a full disk, no folder can be made.
  await rename(renderer.folder, `${renderer.folder}-away`)
  await writeFile(renderer.folder, '')
  assert.match((await render([printed('by the spare')], renderer)).html, /by the spare/)
  await assert.rejects(render([printed('none')], renderer), { code: 'ENOTDIR' })
  await rm(renderer.folder)
  await rename(`${renderer.folder}-away`, renderer.folder)
  assert.match((await render([printed('again')], renderer)).html, /again/)
  // Which it does only when no page counts as being made any more.
  await until(async () => renderer.state[image.version]?.ready === false)
})
