/** Compares generated files with what they are generated from; `--write` brings them up to date. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeApi } from '../contract/openapi/document.ts'
import { toYaml } from '../contract/openapi/text.ts'
import { envExample } from '../server/ground/settings.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const GENERATED: Record<string, () => string | Promise<string>> = {
  '.env.example': envExample,
  'docs/openapi.yaml': async () => toYaml((await describeApi()).document),
}

const write = process.argv.includes('--write')
const stale: string[] = []
for (const [name, generate] of Object.entries(GENERATED)) {
  const text = await generate()
  if ((await readFile(join(ROOT, name), 'utf8').catch(() => '')) === text) continue
  stale.push(name)
  if (write) await writeFile(join(ROOT, name), text)
}
if (write) console.log(stale.length > 0 ? `Written: ${stale.join(', ')}` : 'Everything was up to date')
else if (stale.length > 0) {
  console.error(`Not what the sources say: ${stale.join(', ')}. Run "npm run check -- --write" and commit the result.`)
  process.exitCode = 1
}
