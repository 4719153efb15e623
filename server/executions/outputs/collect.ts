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

/** Cause: the notebook did not write the file. Handled by: its owner. */
export class FileMissing extends AppError {
  constructor(fileName: string) {
    super('notFound', `"${fileName}" was not found; the notebook must write it to OUTPUT_DIR`)
  }
}

/** Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** @throws FileMissing; invalid naming the file, when it is something else than a plain file */
export async function collectFile(outputDir: string, fileName: string): Promise<CollectedFile> {
  const handle = await openPlainly(outputDir, fileName)
  try {
    const { size } = await requirePlain(handle, fileName)
    return {
      sizeBytes: size,
      path: `/proc/self/fd/${handle.fd}`,
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openPlainly(outputDir: string, fileName: string): Promise<FileHandle> {
  try {
    // Again here, because everything hangs on it: O_NOFOLLOW only guards the last part of a path.
    return await open(join(outputDir, plainName(fileName)), FLAGS)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') throw new FileMissing(fileName)
    if (code === 'ELOOP') throw invalid(`"${fileName}" is a symbolic link; only plain files are taken from OUTPUT_DIR`)
    if (code === 'ENXIO') throw invalid(`"${fileName}" is a pipe or socket; only plain files are taken from OUTPUT_DIR`)
    if (code === undefined) throw error
    throw invalid(`"${fileName}" could not be opened (${code})`)
  }
}

async function requirePlain(handle: FileHandle, fileName: string) {
  const found = await handle.stat()
  if (found.isDirectory()) throw invalid(`"${fileName}" is a directory; only plain files can be this output`)
  if (!found.isFile()) throw invalid(`"${fileName}" is not a plain file`)
  if (found.nlink !== 1)
    throw invalid(`"${fileName}" is a hard link; only files with one name are taken from OUTPUT_DIR`)
  return found
}
