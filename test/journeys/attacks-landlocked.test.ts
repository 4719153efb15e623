/** The attacks of `test/attacks/` where namespaces are forbidden, as in many containers: seccomp, Landlock and resource limits only. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { attackSuite } from '../support/attack-suite.ts'
import { closedTo } from '../support/closed.ts'

const IMAGE = join(import.meta.dirname, '../../.fieldbook/images/v4/image.json')

/** Floods of output take the same way at each level. */
const SEEN_ELSEWHERE = [11, 12, 13, 38]

const { mounts }: { mounts: { source: string }[] } = JSON.parse(await readFile(IMAGE, 'utf8'))
// Root's runs have a user id of their own, which must reach the image by its path: nothing can be mounted here.
const closed = process.getuid?.() === 0 ? await closedTo(mounts.map(({ source }) => source)) : undefined

if (closed === undefined) {
  await attackSuite({ forking: 'on', env: { FIELDBOOK_SANDBOX: 'landlock' }, without: SEEN_ELSEWHERE })
} else {
  test('attacks without namespaces', {
    skip: `the image lies below ${closed}, which other users can't enter`,
  }, () => {})
}
