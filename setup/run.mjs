// The entry of every npm script: makes sure the machine has what the task needs, then hands over to Node 24.
// Plain ESM without dependencies, because it has to run on any Node from 20 on before anything is installed.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { endRunningCommand } from './command.mjs'
import { ensureSteps } from './ensure.mjs'
import { SetupFailure } from './failure.mjs'
import { newNode } from './node.mjs'
import { root } from './places.mjs'
import { tasks } from './tasks.mjs'

// What is installed here is mounted into sandboxes that run as other users.
process.umask(0o022)

const [taskName = '', ...given] = process.argv.slice(2)
process.exitCode = await runTask(taskName, given)

async function runTask(name, args) {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
  if (!task) {
    console.error(`Unknown task "${name}". There are: ${Object.keys(tasks).join(', ')}.`)
    return 2
  }
  if (task.help && args.some((arg) => arg === '--help' || arg === '-h')) {
    console.log(task.help)
    return 0
  }
  if (!(await prepared(task, args))) return 1
  for (const command of task.commands(args)) {
    const code = await handOver(command)
    if (code !== 0) return code
  }
  return 0
}

/** Brings the steps of a task up to date; a failure is told in words, anything else is our bug and keeps its stack. */
async function prepared(task, args) {
  const stop = (signal) => {
    endRunningCommand()
    process.exit(128 + constants.signals[signal])
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    await ensureSteps(task.steps, { args, isExplicit: task.isSetup === true })
    return true
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error
    console.error(error.message)
    return false
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** Runs one command of a task under Node 24 with our own terminal; resolves with its exit code as a shell counts it. */
function handOver(command) {
  const child = spawn(newNode(), command, { cwd: root, stdio: 'inherit' })
  // Ctrl-C on a terminal reaches the child by itself (same process group); a second SIGINT would mean "at once" to it.
  const interrupt = () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  }
  const terminate = () => child.kill('SIGTERM')
  process.on('SIGINT', interrupt).on('SIGTERM', terminate)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      process.off('SIGINT', interrupt).off('SIGTERM', terminate)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}
