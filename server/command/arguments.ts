/** What may be written after `fieldbook`: the commands with their options, read into one value, and their help. */

import { type ParseArgsConfig, parseArgs } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>

interface CommandEntry {
  /** What follows the name. */
  readonly usage: string
  readonly says: string
  readonly options: Options
  /** What may stand without a name: an address, a key. */
  readonly operand?: string
}

const email: Options = { email: { type: 'string' } }
const password: Options = { 'password-stdin': { type: 'boolean' }, invite: { type: 'boolean' } }
const json: Options = { json: { type: 'boolean' } }

export const COMMANDS = {
  'user add': {
    usage: '--email <address> [--owner] [--invite | --password-stdin]',
    says: 'Makes a user: invited to choose a password, or with one that is read from the standard input.',
    options: { ...email, ...password, owner: { type: 'boolean' } },
    operand: 'email',
  },
  'user list': { usage: '[--json]', says: 'Lists the users.', options: json },
  'user reset-password': {
    usage: '--email <address> [--invite | --password-stdin]',
    says: 'Gives a user an invitation to choose a new password, or sets one, which ends their sessions.',
    options: { ...email, ...password },
    operand: 'email',
  },
  'user disable': {
    usage: '--email <address>',
    says: 'Shuts a user out: no signing in, no session, no API token.',
    options: email,
    operand: 'email',
  },
  'user enable': { usage: '--email <address>', says: 'Lets them in again.', options: email, operand: 'email' },
  'user end-sessions': {
    usage: '--email <address>',
    says: 'Ends all sessions of a user; their API tokens stay.',
    options: email,
    operand: 'email',
  },
  'keys list': { usage: '[--json]', says: 'Lists the keys that tokens are signed with.', options: json },
  'keys rotate': {
    usage: '[--overlap <duration>]',
    says: 'Makes a new key that signs from now on. Sessions of the one before are good for the overlap (30d), API tokens and those of devices until it is retired.',
    options: { overlap: { type: 'string' } },
  },
  'keys retire': {
    usage: '<key> | --all [--yes]',
    says: 'Ends whatever was signed by a key that was replaced, or by all of them; with --yes also when API tokens end with it.',
    options: { key: { type: 'string' }, all: { type: 'boolean' }, yes: { type: 'boolean' } },
    operand: 'key',
  },
} as const satisfies Record<string, CommandEntry>

export type CommandName = keyof typeof COMMANDS

export interface Command {
  readonly name: CommandName
  readonly texts: Readonly<Record<string, string>>
  readonly flags: ReadonlySet<string>
}

/** What was written makes no sense; the message says why. */
export class UsageError extends Error {}

const isName = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name)

/** The command of some arguments, or the help that they ask for. @throws UsageError */
export function readCommand(args: readonly string[]): Command | { readonly help: string } {
  const words = args.filter((arg) => !arg.startsWith('-'))
  const wantsHelp = args.some((arg) => arg === '--help' || arg === '-h')
  const name = words.slice(0, 2).join(' ')
  if (!isName(name)) {
    if (wantsHelp || args.length === 0 || args[0] === 'help') return { help: helpOf(words[0]) }
    throw new UsageError(`There is no "fieldbook ${name}". There are: ${Object.keys(COMMANDS).join(', ')}.`)
  }
  const entry: CommandEntry = COMMANDS[name]
  if (wantsHelp) return { help: `fieldbook ${name} ${entry.usage}\n\n${entry.says}` }
  const { values, positionals } = parsed(args, entry)
  const [, , operand, ...more] = positionals
  if (operand !== undefined && (entry.operand === undefined || more.length > 0 || entry.operand in values)) {
    throw new UsageError(`"${more[0] ?? operand}" is not expected: fieldbook ${name} ${entry.usage}`)
  }
  const texts = Object.entries(values).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : []))
  return {
    name,
    texts: Object.fromEntries(operand !== undefined && entry.operand ? [...texts, [entry.operand, operand]] : texts),
    flags: new Set(Object.keys(values).filter((key) => values[key] === true)),
  }
}

function parsed(args: readonly string[], { options }: CommandEntry) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** All commands, or those about one thing. */
function helpOf(thing: string | undefined): string {
  const all = Object.entries(COMMANDS)
  const about = all.filter(([name]) => name.startsWith(`${thing} `))
  const lines = (about.length > 0 ? about : all).map(([name, { usage, says }]) => `  ${name} ${usage}\n      ${says}`)
  return [
    'fieldbook <command> [options]',
    '',
    'Works on the database and the data folder of an installation, with the settings that the service has (FIELDBOOK_DATA_DIR,',
    'DATABASE_URL and so on), whether the service runs or not.',
    '',
    ...lines,
    '',
    'No password is ever taken from the command line, where others could see it.',
  ].join('\n')
}
