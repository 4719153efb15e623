/**
 * Checks the description of the API: nothing in it is without words or an example, Spectral and Redocly find nothing, and
 * Redocly's score is high enough. The linters are told to report to nobody and need no network.
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeApi } from '../contract/openapi/document.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOCUMENT = 'docs/openapi.yaml'
const REDOCLY = 'node_modules/@redocly/cli/bin/cli.js'
const SPECTRAL = 'node_modules/@stoplight/spectral-cli/dist/index.js'
/** Where set-up keeps its stamps. */
const STAMP = join(ROOT, '.fieldbook/stamps/openapi')
const LEAST_SCORE = 90
/** A description that lacks much lacks most of it for the same reason. */
const MOST_GAPS = 30

const silent = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' }

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  /** Both streams, as a person would have seen them. */
  readonly said: string
}

/** Runs one linter with this very Node. */
function run(program: string, ...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, program), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...silent },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, said] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
    said += chunk
  })
  child.stderr.on('data', (chunk) => (said += chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, said }))
  })
}

/** What the linters look at, and with what: when none of it has changed since they found nothing, they would find nothing. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256')
  for (const file of [DOCUMENT, 'redocly.yaml', '.spectral.yaml', 'package-lock.json', 'cli/check-openapi.ts'])
    hash.update(await readFile(join(ROOT, file)))
  return hash.digest('hex')
}

async function lint(): Promise<{ faults: string[]; score: number }> {
  const [redocly, spectral, scored] = await Promise.all([
    run(REDOCLY, 'lint', '--config', 'redocly.yaml', '--format', 'stylish', '--max-problems', '20', DOCUMENT),
    run(SPECTRAL, 'lint', '--ruleset', '.spectral.yaml', '--fail-severity', 'hint', '--quiet', DOCUMENT),
    run(REDOCLY, 'score', '--config', 'redocly.yaml', '--format', 'json', DOCUMENT),
  ])
  const faults: string[] = []
  // Warnings of Redocly do not change its exit code.
  if (redocly.code !== 0 || /\bwarning/.test(redocly.said)) faults.push(`Redocly:\n${redocly.said}`)
  if (spectral.code !== 0) faults.push(`Spectral:\n${spectral.said}`)
  const score = scored.code === 0 ? Number(JSON.parse(scored.stdout).agentReadiness) : Number.NaN
  if (!(score >= LEAST_SCORE))
    faults.push(`Redocly's score is ${score}, less than ${LEAST_SCORE}:\n${scored.said.slice(0, 1000)}`)
  return { faults, score }
}

const { gaps } = await describeApi()
const now = await fingerprint()
const [before, knownScore] = (await readFile(STAMP, 'utf8').catch(() => '')).split(' ')
const { faults, score } = before === now || gaps.length > 0 ? { faults: [], score: Number(knownScore) } : await lint()
if (faults.length === 0 && gaps.length === 0) {
  await mkdir(dirname(STAMP), { recursive: true })
  await writeFile(STAMP, `${now} ${score}`)
}
if (gaps.length > 0) {
  const shown = gaps.slice(0, MOST_GAPS).join('\n  ')
  faults.unshift(`${gaps.length} things in the description of the API are not explained:\n  ${shown}`)
}
if (faults.length > 0) {
  console.error(faults.join('\n\n'))
  process.exitCode = 1
} else {
  console.log(`${DOCUMENT}: Spectral and Redocly find nothing, score ${score}`)
}
