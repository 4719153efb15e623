/** Any sequence of creations, placements, moves and deletions leaves the tree that a naive one in memory has. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { createFile } from '../../server/catalog/files/create.ts'
import { listFiles } from '../../server/catalog/files/find.ts'
import { moveFile } from '../../server/catalog/files/move.ts'
import { pathIn } from '../../server/catalog/files/paths.ts'
import { placeFile } from '../../server/catalog/files/place.ts'
import { deleteFile } from '../../server/catalog/files/remove.ts'
import type { FileRow, FileTree } from '../../server/catalog/files/rows.ts'
import { AppError } from '../../server/ground/errors.ts'
import { newId } from '../../server/ground/ids.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** What is at each path; `pending` is a file without content. */
type Entry = 'pending' | 'file' | 'directory'
type Model = Map<string, Entry>

class Refused extends Error {}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'))
const below = (path: string, directory: string) => path.startsWith(`${directory}/`)

function makeParents(model: Model, path: string): void {
  const steps = path.split('/').slice(1, -1)
  for (let count = 1; count <= steps.length; count += 1) {
    const directory = `/${steps.slice(0, count).join('/')}`
    if ((model.get(directory) ?? 'directory') !== 'directory') throw new Refused()
  }
  for (let count = 1; count <= steps.length; count += 1) model.set(`/${steps.slice(0, count).join('/')}`, 'directory')
}

function create(model: Model, path: string, type: 'file' | 'directory'): void {
  makeParents(model, path)
  const there = model.get(path)
  if (there !== undefined && !(there === 'pending' && type === 'file')) throw new Refused()
  model.set(path, type === 'file' ? 'pending' : 'directory')
}

function place(model: Model, path: string): void {
  makeParents(model, path)
  if (model.get(path) === 'directory') throw new Refused()
  model.set(path, 'file')
}

function move(model: Model, from: string, to: string): void {
  if (from === to) return
  if (model.get(from) === 'directory' && below(to, from)) throw new Refused()
  makeParents(model, to)
  if (model.has(to)) throw new Refused()
  for (const [path, entry] of [...model]) {
    if (path !== from && !below(path, from)) continue
    model.delete(path)
    model.set(to + path.slice(from.length), entry)
  }
}

function remove(model: Model, path: string): void {
  for (const other of [...model.keys()]) if (other === path || below(other, path)) model.delete(other)
}

/** Does it to a copy, so that what is refused changes nothing. */
function applied(model: Model, change: (model: Model) => void): Model | undefined {
  const copy = new Map(model)
  try {
    change(copy)
    return copy
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

const path = fc
  .array(fc.constantFrom('a', 'b', 'aa', 'ä%_'), { minLength: 1, maxLength: 4 })
  .map((names) => `/${names.join('/')}`)
const operation = fc.oneof(
  fc.record({ do: fc.constant('create' as const), path, type: fc.constantFrom('file' as const, 'directory' as const) }),
  fc.record({ do: fc.constant('place' as const), path }),
  fc.record({ do: fc.constant('move' as const), which: fc.nat(99), to: path }),
  fc.record({ do: fc.constant('remove' as const), which: fc.nat(99) }),
)

type Step = typeof operation extends fc.Arbitrary<infer T> ? T : never

test('the tree is that of the model after every step, and what one refuses the other refuses', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(await makeFolder(t))
  let [done, refused] = [0, 0]
  const run = async (steps: readonly Step[]) => {
    const { id: applicationId, ownerId } = await makeApplication(db)
    const tree = { applicationId, private: false }
    const author = { type: 'user', id: ownerId } as const
    const entries = async () => {
      const { items } = await listFiles(db, tree, { perPage: '1000' })
      return items.map((row) => ({ row, path: pathIn(row.parent_directory, row.name) }))
    }
    /** Does a step for real; `id` is of the entry that was chosen. */
    const doStep = (step: Step, id: string): Promise<unknown> => {
      switch (step.do) {
        case 'create':
          return createFile(db, tree, { ...splitAt(step.path), type: step.type }, author, 'file')
        case 'place':
          return db.transaction((tx) => placeFile(tx, placedAt(tree, step.path)))
        case 'move':
          return moveFile(db, tree, id, splitAt(step.to), author)
        case 'remove':
          return deleteFile({ db, blobs }, tree, id)
      }
    }
    let model: Model = new Map()
    for (const step of steps) {
      const now = await entries()
      const chosen = 'which' in step ? now[step.which % Math.max(1, now.length)] : undefined
      if ('which' in step && !chosen) continue
      const expected = applied(model, (copy) => modelStep(copy, step, chosen?.path ?? ''))
      const went = await doStep(step, chosen?.row.id ?? '').then(() => true, refusedOnly)
      const told = `${JSON.stringify(step)} of ${chosen?.path} in ${[...model.keys()]}`
      assert.equal(went, expected !== undefined, told)
      model = expected ?? model
      done += Number(went)
      refused += Number(!went)
      const found = (await entries()).map(({ row, path }) => [path, entryOf(row)])
      assert.deepEqual(found.sort(), [...model].sort(), told)
    }
  }
  const steps = fc.array(operation, { minLength: 5, maxLength: 25 })
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 15, endOnFailure: true })
  assert.ok(done > 20 && refused > 3, `${done} done, ${refused} refused`)
})

function modelStep(model: Model, step: Step, chosen: string): void {
  if (step.do === 'create') create(model, step.path, step.type)
  if (step.do === 'place') place(model, step.path)
  if (step.do === 'move') move(model, chosen, step.to)
  if (step.do === 'remove') remove(model, chosen)
}

function refusedOnly(error: unknown): false {
  if (error instanceof AppError && error.kind === 'invalid') return false
  throw error
}

const entryOf = (row: FileRow): Entry => (row.type === 'file' && !row.blob_key ? 'pending' : row.type)

const splitAt = (path: string) => ({
  name: path.slice(path.lastIndexOf('/') + 1),
  parentDirectory: parentOf(path) || '/',
})

const placedAt = (tree: FileTree, path: string) => ({
  ...tree,
  directory: parentOf(path),
  name: splitAt(path).name,
  blobKey: `files/${newId()}`,
  sizeBytes: 1,
  contentType: 'text/plain',
  notebookId: newId(),
})
