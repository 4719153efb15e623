/** `fieldbook …`: the command line over the rooms of the service, without its door. */

import { fileURLToPath } from 'node:url'
import { ConfigError, processEnvironment, readConfig } from '../ground/config.ts'
import { AppError, messageOf } from '../ground/errors.ts'
import { readCommand, UsageError } from './arguments.ts'
import { withDatabase } from './database.ts'
import { keysCommand } from './keys.ts'
import { userCommand } from './users.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const say = (line: string) => void process.stdout.write(`${line}\n`)

/** What a shell expects: 2 for words that make no sense, 1 for what can't be done. */
process.exitCode = await run(process.argv.slice(2))

async function run(args: readonly string[]): Promise<number> {
  try {
    const command = readCommand(args)
    if ('help' in command) {
      say(command.help)
      return 0
    }
    const config = readConfig(processEnvironment(), ROOT)
    if (command.name.startsWith('user ')) {
      await withDatabase(config, (db) => userCommand(db, config, command, say))
    } else {
      await keysCommand((work) => withDatabase(config, work), config, command, say)
    }
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n"fieldbook --help" lists what there is.`)
      return 2
    }
    console.error(
      error instanceof AppError || error instanceof ConfigError ? error.message : `fieldbook: ${messageOf(error)}`,
    )
    return 1
  }
}
