/** `npm start`: reads the settings, opens the service, tells where it is, and closes it on SIGTERM or SIGINT. */

import { fileURLToPath } from 'node:url'
import { type Config, ConfigError, processEnvironment, readConfig } from './ground/config.ts'
import { messageOf } from './ground/errors.ts'
import { redactText } from './ground/redact.ts'
import { openService, type Service } from './service.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Longer than this, after the runs had their time, a clean end is not waited for; the next start recovers. */
const CLOSE_MS = 30_000

const IMPATIENT_MS = 3000

// What sandboxes are given must be readable for their identities; what must not be is closed where it is made.
process.umask(0o022)

await main()

async function main(): Promise<void> {
  let stopping = false
  const asked = stopSignals()
  void asked.then(() => {
    stopping = true
  })
  let config: Config
  try {
    config = readConfig(processEnvironment(), ROOT)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return fail(error.message)
  }
  try {
    await using service = await openService(config)
    greet(service, config)
    await asked
    console.log('Fieldbook is closing …')
    const limitMs = config.worker.drainMs + CLOSE_MS
    setTimeout(() => fail('Fieldbook did not close in time; the next start recovers.'), limitMs).unref()
  } catch (error) {
    // A terminal's Ctrl-C reaches what the start was waiting for as well, which then fails.
    if (stopping) return fail('Fieldbook was stopped before it was ready; nothing is left running.')
    return fail(explain(error, config))
  }
  process.exit(0)
}

/**
 * Resolves at the first SIGTERM or SIGINT. The same stop often arrives twice at once, from a terminal and from npm, so
 * only a signal that comes seconds later is taken for impatience and ends the process without closing.
 */
function stopSignals(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstAt: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now()
      resolve()
      if (performance.now() - firstAt > IMPATIENT_MS) fail('Fieldbook was stopped hard; the next start recovers.')
    })
  }
  return promise
}

function greet({ url, workerId, madePassword }: Service, config: Config): void {
  console.log(`Fieldbook is ready ${url ? `at ${url}` : `as worker ${workerId}`} (Ctrl-C ends it)`)
  if (!madePassword) return
  console.log(`  Sign in as ${config.admin.email} with the password ${madePassword}`)
  console.log('  It is shown only this once.')
}

/** What a person can do about a start that failed. */
function explain(error: unknown, config: Config): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    return `Port ${config.http.port} is taken. Is Fieldbook running already? Choose another with FIELDBOOK_PORT.`
  }
  if (code === 'EACCES') {
    return `The data folder ${config.dataDir} can't be written (${messageOf(error)}). Choose another with FIELDBOOK_DATA_DIR.`
  }
  return redactText(`Fieldbook could not start: ${messageOf(error)}`)
}

function fail(message: string): void {
  console.error(message)
  process.exit(1)
}
