/**
 * Takes files out of OUTPUT_DIR, which is the notebook's own and so not to be trusted: only regular files that have one
 * name are taken, links are never followed. Called only after the sandbox is gone, so nothing changes underneath.
 */

import { constants, type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, invalid } from '../../ground/errors.ts'
import { plainName } from '../plain-name.ts'

export interface CollectedFile extends AsyncDisposable {
  readonly sizeBytes: number
  /** A path that opens this very file, whatever happens to its name. */
  readonly path: string
}

/** Cause: the notebook did not write the file or directory. Handled by: its owner. */
export class OutputMissing extends AppError {
  constructor(name: string) {
    super('notFound', `"${name}" was not found; the notebook must write it to OUTPUT_DIR`)
  }
}

/** Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** @throws OutputMissing; invalid naming the file, when it is something else than a plain file */
export async function collectFile(outputDir: string, fileName: string): Promise<CollectedFile> {
  // Again here, because everything hangs on it: O_NOFOLLOW only guards the last part of a path.
  return openPlainFile(join(outputDir, plainName(fileName)), fileName)
}

/**
 * Opens what must be a plain file; `path` is a name directly in a folder that is held open.
 * @param shown what messages call it
 * @throws OutputMissing, invalid
 */
export async function openPlainFile(path: string, shown: string): Promise<CollectedFile> {
  const handle = await openUnfollowed(path, shown, FLAGS)
  try {
    const { size } = await requirePlain(handle, shown)
    return {
      sizeBytes: size,
      path: pathOf(handle),
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** A folder that is held open: names below its path are looked up in it, whatever becomes of its own name. */
export interface HeldFolder extends AsyncDisposable {
  readonly path: string
}

/** Opens what must be a real folder. @throws OutputMissing, invalid */
export async function holdFolder(path: string, shown: string): Promise<HeldFolder> {
  const handle = await openUnfollowed(path, shown, FLAGS | constants.O_DIRECTORY)
  return { path: pathOf(handle), [Symbol.asyncDispose]: () => handle.close() }
}

const pathOf = (handle: FileHandle) => `/proc/self/fd/${handle.fd}`

async function openUnfollowed(path: string, shown: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new OutputMissing(shown)
    if (code === 'ENOTDIR') throw invalid(`"${shown}" is not a directory`)
    if (code === 'ELOOP') throw invalid(`"${shown}" is a symbolic link; only plain files are taken from OUTPUT_DIR`)
    if (code === 'ENXIO') throw invalid(`"${shown}" is a pipe or socket; only plain files are taken from OUTPUT_DIR`)
    if (code === undefined) throw error
    throw invalid(`"${shown}" could not be opened (${code})`)
  }
}

async function requirePlain(handle: FileHandle, shown: string) {
  const found = await handle.stat()
  if (found.isDirectory()) throw invalid(`"${shown}" is a directory; only plain files can be this output`)
  if (!found.isFile()) throw invalid(`"${shown}" is not a plain file`)
  if (found.nlink !== 1) throw invalid(`"${shown}" is a hard link; only files with one name are taken from OUTPUT_DIR`)
  return found
}
