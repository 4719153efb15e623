/** A whole directory that a notebook wrote, placed into one of an application's. What was there and has no successor stays. */

import { AppError, messageOf } from '../../ground/errors.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { blockedBy, holdAllDirectories } from './directories.ts'
import { byStep, isWithin, normalDirectory, pathIn, requireName, splitBelow } from './paths.ts'
import { type NewContent, placeFiles } from './place.ts'
import type { FileTree } from './rows.ts'

export interface PlacedTree extends FileTree {
  readonly notebookId: string
  /** Where it goes. */
  readonly directory: string
  /** Paths below it: `a/b`. */
  readonly directories: readonly string[]
  readonly files: readonly (Pick<NewContent, 'blobKey' | 'sizeBytes' | 'contentType'> & {
    /** Below it: `a/b.txt`. */
    readonly path: string
  })[]
}

export interface TreePlaced {
  /** Keys of the blobs that were replaced. */
  readonly replaced: readonly string[]
  /** Files and directories for which there is no place: what is there already, or how long their path would be. */
  readonly refused: readonly string[]
  /** Blobs of files that were refused. */
  readonly unused: readonly string[]
}

/** @throws invalid when the directory itself can't be */
export async function placeTree(tx: Queryable, tree: PlacedTree): Promise<TreePlaced> {
  const top = normalDirectory(tree.directory)
  const refused: string[] = []
  const unused: string[] = []
  const below = tree.directories.flatMap((path) => orRefused(() => normalDirectory(`${top}/${path}`)) ?? [])
  const held = await holdAllDirectories(tx, tree, [top, ...below], { type: 'notebook', id: tree.notebookId })
  const blocking = [...held].flatMap(([path, type]) => (type === 'file' ? [path] : []))
  if (blocking.some((path) => isWithin(top, path))) throw blockedBy(blocking[0] ?? top)
  for (const path of blocking) refused.push(messageOf(blockedBy(path)))

  const files = tree.files.flatMap((file) => {
    const { directory, name } = splitBelow(top, file.path)
    const isHeld = directory === '/' || held.get(directory) === 'directory'
    // Of what can't be held, the directory is told.
    if (isHeld && orRefused(() => requireName(name)) !== undefined) return [{ ...file, directory, name }]
    unused.push(file.blobKey)
    return []
  })
  const placed = await placeFiles(tx, tree, tree.notebookId, files.sort(byStep))
  for (const file of placed.refused) {
    refused.push(`"${pathIn(file.directory, file.name)}" is a directory`)
    unused.push(file.blobKey)
  }
  return { replaced: placed.replaced, refused, unused }

  function orRefused(check: () => string): string | undefined {
    try {
      return check()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      refused.push(messageOf(error))
      return undefined
    }
  }
}
