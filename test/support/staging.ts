/** What the gatherers of inputs are given, over the test's own database and folders. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { gatherInput } from '../../server/executions/inputs/gather.ts'
import type { Staging } from '../../server/executions/inputs/input.ts'
import { createTurns } from '../../server/ground/turns.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeTelemetry } from './history.ts'
import { makeFolder } from './make.ts'

export interface TestStaging extends Staging {
  /** What the owner of the notebook was warned of. */
  readonly warnings: string[]
  /** Where `gathered` writes. */
  readonly folder: string
}

/** 2026-03-01, to which ranges of inputs are relative unless a test says otherwise. */
export const RELATIVE_TO = new Date('2026-03-01T00:00:00Z')

export async function makeStaging(
  t: TestContext,
  db: Database,
  applicationId: string,
  rest: Partial<Staging> = {},
): Promise<TestStaging> {
  const [folder, scratch, blobRoot] = [await makeFolder(t), await makeFolder(t), await makeFolder(t)]
  const warnings: string[] = []
  let scratches = 0
  return {
    db,
    ...(await makeTelemetry(t, db)),
    blobs: await openFsBlobs(blobRoot),
    fetching: { maxBytes: 1_000_000, timeoutMs: 5000, allowPrivate: true },
    applicationId,
    relativeTo: RELATIVE_TO,
    context: { ctx: {}, globals: {} },
    signal: new AbortController().signal,
    inTurn: createTurns(2),
    scratch: () => join(scratch, String(scratches++)),
    warn: (message) => warnings.push(message),
    warnings,
    folder,
    ...rest,
  }
}

/** The text of an input as the notebook would find it. */
export async function gathered(staging: TestStaging, input: NotebookInput): Promise<string> {
  const file = join(staging.folder, input.fileName)
  await gatherInput(input, file, staging)
  return readFile(file, 'utf8')
}
