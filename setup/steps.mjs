// The steps of the set-up in the order they run; each can tell in milliseconds whether it is done.
import { browserStep } from './browser.mjs'
import { databaseStep } from './database.mjs'
import { imageStep } from './image/image.mjs'
import { nodeStep } from './node.mjs'
import { packagesStep } from './packages.mjs'
import { sandboxStep } from './sandbox.mjs'

/** What checking the sources needs. */
export const toolSteps = [packagesStep, nodeStep]

/** What reaching the database needs. */
export const databaseSteps = [packagesStep, nodeStep, sandboxStep, databaseStep]

/** What running notebooks needs. */
export const everyStep = [packagesStep, nodeStep, sandboxStep, imageStep, databaseStep, browserStep]
