// Brings a list of steps up to date, one set-up at a time, and tells what it does. With everything in place it
// starts no program, takes no lock and prints nothing.
import { requireDisk } from './disk.mjs'
import { explainFailure } from './failure.mjs'
import { takeLock } from './lock.mjs'
import { openProgress } from './progress.mjs'

/** Runs the steps that are not done; throws a told SetupFailure at the first one that cannot be. */
export async function ensureSteps(steps, { args, isExplicit }) {
  const isForced = (step) => isExplicit && step.isForced?.(args) === true
  if (steps.every((step) => step.isDone() && !isForced(step))) {
    if (isExplicit) console.log(`Everything is in place: ${steps.map((step) => step.name).join(', ')}.`)
    return
  }
  const release = await locked(steps)
  try {
    await requireRoom(steps)
    for (const [index, step] of steps.entries()) {
      // Asked again under the lock: another set-up may have done it while this one waited.
      if (step.isDone() && !isForced(step)) continue
      await runStep(step, { number: index + 1, total: steps.length, args })
    }
  } finally {
    release()
  }
}

/** Asks for all of the disk at once: running out of it two steps later would be late. */
async function requireRoom(steps) {
  const open = steps.filter((step) => !step.isDone())
  try {
    await requireDisk(open.reduce((sum, step) => sum + (step.neededMB ?? 0), 0))
  } catch (error) {
    const first = open[0] ?? steps[0]
    throw explainFailure(error, { name: first.name, number: steps.indexOf(first) + 1, total: steps.length })
  }
}

async function locked(steps) {
  try {
    return await takeLock()
  } catch (error) {
    throw explainFailure(error, { name: steps[0].name, number: 1, total: steps.length })
  }
}

async function runStep(step, { number, total, args }) {
  const progress = openProgress(`[${number}/${total}] ${step.name}`)
  try {
    const { summary, warning } = await step.run(progress.say, args)
    if (warning) progress.warn(warning)
    else progress.done(summary)
  } catch (error) {
    progress.drop()
    throw explainFailure(error, { name: step.name, number, total })
  }
}
