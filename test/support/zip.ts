/** Zips as other programs read them: by the Python of the image, which also checks their sums. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { testImage } from './image.ts'

const SCRIPT = `import base64, json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({n: base64.b64encode(z.read(n)).decode() for n in z.namelist()}))`

/** The files of a zip by name, in the order they stand in it. @throws when it is damaged */
export async function readZip(file: string): Promise<Record<string, Buffer>> {
  const { python } = await testImage()
  const { stdout } = await promisify(execFile)(python, ['-c', SCRIPT, file], { maxBuffer: 100_000_000 })
  const found: Record<string, string> = JSON.parse(stdout)
  return Object.fromEntries(Object.entries(found).map(([name, text]) => [name, Buffer.from(text, 'base64')]))
}
