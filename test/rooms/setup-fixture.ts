// A repository of its own for tests of the set-up: our `setup/` folder, a lock file without packages and a stand-in for
// npm, so that no test reaches for the network. The set-up is only ever run as a program, as `npm run` does.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Ended {
  code: number | null
  out: string
  error: string
}

const stubs: Record<string, string> = {
  'node_modules/typescript/bin/tsc': `console.log('types are fine')`,
  'node_modules/@biomejs/biome/bin/biome': `console.log('style is fine')`,
  'cli/check-openapi.ts': `console.log('the description is fine')`,
  'cli/check-generated.ts': `const answer: string = 'generated files are fine'; console.log(answer)`,
}

/** Makes the repository with a shell script as its npm; it is removed with the scope. */
export async function makeRepository(npmScript: string) {
  const root = await mkdtemp(join(tmpdir(), 'fieldbook-setup '))
  await cp(join(import.meta.dirname, '..', '..', 'setup'), join(root, 'setup'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  await writeFile(join(root, 'package-lock.json'), '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}')
  for (const [path, source] of Object.entries(stubs)) await put(join(root, path), source)
  const tools = join(root, 'tools')
  await put(join(tools, 'npm'), `#!/bin/sh\n${npmScript}\n`)
  // The stand-in reads and writes relative to the repository, where `npm ci` is started.
  await writeFile(join(root, 'installed.json'), '{"packages":{"node_modules/a":{"version":"1.0.0"}}}')
  const start = (task: string): ChildProcess => {
    return spawn(process.execPath, [join(root, 'setup', 'run.mjs'), task], {
      env: { HOME: root, PATH: `${tools}:/usr/bin:/bin` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
  return {
    root,
    start,
    run: (task: string): Promise<Ended> => ended(start(task)),
    put: (path: string, source: string) => put(join(root, path), source),
    read: (path: string) => readFile(join(root, path), 'utf8'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

/** What a started set-up printed and ended with. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const heard = { out: '', error: '' }
  child.stdout?.on('data', (chunk) => {
    heard.out += chunk
  })
  child.stderr?.on('data', (chunk) => {
    heard.error += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...heard }
}

/** Resolves as soon as the set-up has printed the words; fails when it ends without. */
export function says(child: ChildProcess, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = ''
    child.stderr?.on('data', (chunk) => {
      heard += chunk
      if (heard.includes(words)) resolve()
    })
    child.once('close', () => reject(new Error(`the set-up ended without saying "${words}": ${heard}`)))
  })
}

async function put(path: string, source: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, source, { mode: 0o755 })
}
