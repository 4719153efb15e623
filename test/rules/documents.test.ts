/** The documents, kept true where a machine can tell: the state diagram, the rooms, the scripts, the files and links. */

import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { diagram } from '../../server/executions/lifecycle.ts'
import { SETTINGS } from '../../server/ground/settings.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DECISIONS = 'docs/decisions'
/** Folders that are made here and not written by us. */
const OTHERS = ['node_modules', '.fieldbook', '.git', 'data', 'demo-results']

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

const documents = globSync('**/*.md', { cwd: ROOT, exclude: (name) => OTHERS.includes(name) }).toSorted()

/** Fenced blocks are left out: what looks like a link there is code. */
const prose = (path: string) => read(path).replaceAll(/^```[\s\S]*?^```/gm, '')

const section = (text: string, title: string) => text.split(/^## /m).find((part) => part.startsWith(title)) ?? ''

const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts

test('ARCHITECTURE.md shows the state diagram that the lifecycle draws', () => {
  const [, drawn] = /```mermaid\n([\s\S]*?)\n```/.exec(read('ARCHITECTURE.md')) ?? []
  assert.equal(drawn, diagram())
})

test('ARCHITECTURE.md names every room of the server', () => {
  const house = section(read('ARCHITECTURE.md'), 'The house')
  const rooms = readdirSync(join(ROOT, 'server'), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name !== 'stores') return [entry.isDirectory() ? `${entry.name}/` : entry.name]
    return readdirSync(join(ROOT, 'server/stores')).map((store) => `stores/${store}/`)
  })
  assert.deepEqual(
    rooms.filter((room) => !house.includes(`\`${room}\``)),
    [],
  )
})

test('the reading order of the README is ten files that exist', () => {
  const files = [...section(read('README.md'), 'Reading the code').matchAll(/^\d+\. \[([^\]]+)\]\(([^)]+)\)/gm)]
  assert.equal(files.length, 10)
  for (const [, name, path] of files) {
    assert.equal(name, path)
    assert.ok(existsSync(join(ROOT, path ?? '')), `${path} does not exist`)
  }
})

test('every npm script that a document names exists', () => {
  const named = documents.flatMap((path) =>
    [...read(path).matchAll(/\bnpm (?:run (\w[\w:-]*)|(start|test)\b)/g)].map(([, run, short]) => run ?? short ?? ''),
  )
  assert.ok(named.length > 5, `${named.length} scripts`)
  assert.deepEqual(
    [...new Set(named)].filter((name) => !(name in scripts)),
    [],
  )
})

test('every script is explained in CONTRIBUTING.md', () => {
  const text = read('CONTRIBUTING.md')
  const missing = Object.keys(scripts).filter((name) => !new RegExp(`\\bnpm (run )?${name}\\b`).test(text))
  assert.deepEqual(missing, [])
})

test('every setting that a document names exists', () => {
  const known = new Set([...Object.values(SETTINGS).map(({ name }) => name), 'FIELDBOOK_PYTHON'])
  const named = documents.flatMap((path) => read(path).match(/\bFIELDBOOK_\w+/g) ?? [])
  assert.deepEqual(
    [...new Set(named)].filter((name) => !known.has(name)),
    [],
  )
})

for (const path of documents) {
  test(`the relative links of ${path} lead somewhere`, () => {
    const targets = [...prose(path).matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, target]) => target ?? '')
    assert.deepEqual(
      targets.filter((target) => !existsSync(join(ROOT, dirname(path), target))),
      [],
    )
  })
}

test('every decision has its four parts and a status, and stands in the list', () => {
  const names = readdirSync(join(ROOT, DECISIONS)).filter((name) => name !== 'README.md')
  const list = read(`${DECISIONS}/README.md`)
  for (const name of names) {
    const text = read(`${DECISIONS}/${name}`)
    assert.match(name, /^\d{4}-[a-z0-9-]+\.md$/)
    assert.match(text, new RegExp(`^# ${Number(name.slice(0, 4))}\\. `), name)
    assert.match(text, /^Status: (draft|accepted|replaced by \d+)$/m, name)
    const parts = [...text.matchAll(/^## (.*)$/gm)].map(([, title]) => title)
    assert.deepEqual(parts, ['Context', 'Decision', 'What we would see otherwise', 'Consequences'], name)
    assert.ok(list.includes(`(${name})`), `${name} is not in the list`)
  }
  const numbers = names.map((name) => Number(name.slice(0, 4))).toSorted((a, b) => a - b)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
})
