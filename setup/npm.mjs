// Runs `npm ci` for one folder and turns what can go wrong with it into words.
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { diskIsFull, fullDisk, SetupFailure } from './failure.mjs'
import { stateFolder } from './places.mjs'

/** Installs exactly the lock file of `folder`; throws a SetupFailure that says why it could not. */
export async function npmInstall(folder, { say, what }) {
  say(`npm ci, ${what}`)
  const [program, ...first] = npmCommand()
  const flags = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund']
  // One retry of 20 s per package: an unreachable registry is told after a minute, not after npm's own ten.
  const patience = ['--fetch-timeout=20000', '--fetch-retries=1', '--fetch-retry-mintimeout=1000']
  const errors = []
  const result = await runCommand(program, [...first, 'ci', ...flags, ...patience, '--loglevel=http'], {
    cwd: folder,
    env: { ...process.env, ...writableCache() },
    silentMs: 180_000,
    onLine: countFetches(say, what, errors),
  })
  if (!result.ok) throw explainNpm(result, errors)
}

/** Shows how many answers of the registry have arrived, the nearest to a percentage that npm gives; keeps its errors. */
function countFetches(say, what, errors) {
  let answers = 0
  return (line) => {
    const error = /^npm (?:error|ERR!) +(\S.*)/.exec(line)?.[1]
    if (error && !/^(code|errno|syscall|A complete log)/.test(error)) errors.push(error)
    if (!/^npm http (fetch|cache)/.test(line)) return
    answers += 1
    say(`npm ci, ${what}, ${answers} fetched`)
  }
}

/** The npm that runs this script when there is one (`npm run …` names it), else the one on PATH. */
function npmCommand() {
  const running = process.env.npm_execpath
  return running?.endsWith('npm-cli.js') && existsSync(running) ? [process.execPath, running] : ['npm']
}

/** An own cache folder when the home folder can't be written (a service account, a read-only container). */
function writableCache() {
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm')
  try {
    mkdirSync(cache, { recursive: true })
    accessSync(cache, constants.W_OK)
    return {}
  } catch {
    return { npm_config_cache: join(stateFolder, 'npm-cache') }
  }
}

function explainNpm({ reason, code, tail }, errors) {
  if (reason === 'missing')
    return new SetupFailure('npm was not found on PATH.', 'Install Node.js 20 or newer with npm.')
  if (diskIsFull(tail)) return fullDisk()
  const said = errors.slice(0, 4).join('\n') || `npm ended with code ${code} (${reason}).`
  const isNetwork = /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|IDLETIMEOUT)|network|socket/.test(tail)
  if (isNetwork || reason !== 'exited') {
    return new SetupFailure(
      `The npm registry could not be reached.\n${said}`,
      'Check the network and the proxy, or name a registry of yours: npm config set registry <address>.',
    )
  }
  return new SetupFailure(said, 'Read what npm says above; `npm ci --ignore-scripts` by hand shows all of it.')
}
