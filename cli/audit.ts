/**
 * `npm run audit`: whether the registry knows a serious hole in what the service is installed with. Not part of `npm run
 * check`, because the answer changes from day to day without a change of ours, and needs the network; a registry that does
 * not answer is told in plain words and is no failure.
 */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PATIENCE = ['--fetch-timeout=20000', '--fetch-retries=1', '--fetch-retry-mintimeout=1000']
const SERIOUS = new Set(['high', 'critical'])

const text = await run('npm', ['audit', '--omit=dev', '--json', ...PATIENCE, ...process.argv.slice(2)])
const report = read(text)
if (!report) {
  console.log('Not checked: the registry did not answer with advisories. Run it again where it does.')
} else {
  const serious = report.filter(({ severity }) => SERIOUS.has(severity))
  for (const { name, severity } of serious) console.error(`${name}: ${severity}; "npm audit" has the particulars`)
  console.log(
    `${serious.length} serious advisories, ${report.length - serious.length} others, for what is installed without tools of development`,
  )
  process.exitCode = serious.length > 0 ? 1 : 0
}

interface Finding {
  readonly name: string
  readonly severity: string
}

/** What npm reports; undefined when it is no report, but why there is none. */
function read(json: string): Finding[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('vulnerabilities' in value) || !value.vulnerabilities)
    return undefined
  return Object.entries(value.vulnerabilities).map(([name, found]) => ({ name, severity: String(found?.severity) }))
}

/** What a program prints, whatever it ends with. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] })
  const failed = new Promise<string>((resolve) => child.once('error', () => resolve('')))
  return Promise.race([failed, child.stdout.toArray().then((chunks) => Buffer.concat(chunks).toString())])
}
