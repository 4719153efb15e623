/** `fieldbook keys …`: the keys that tokens are signed with. Running services see what is done here within a second. */

import { join } from 'node:path'
import { ringOfFile, ringOfText } from '../access/given-keys.ts'
import { changeRing, readRing } from '../access/key-files.ts'
import { type KeyRing, makeKey, publicPart, retired, rotated, type TokenKey } from '../access/key-ring.ts'
import { openTokenKeys } from '../access/token-keys.ts'
import type { Config } from '../ground/config.ts'
import { conflict } from '../ground/errors.ts'
import { duration } from '../ground/setting.ts'
import type { Database } from '../stores/postgres/database.ts'
import { type Command, UsageError } from './arguments.ts'
import { inColumns, type Say } from './output.ts'

/** Sessions are good for a day unless their client asked for more. */
const OVERLAP = '30d'
/** So long a service may go on signing with a key that was replaced. */
const LATE_MS = 5000

type WithDatabase = <T>(work: (db: Database) => Promise<T>) => Promise<T>

/** Does one of the commands about keys. @throws UsageError, AppError */
export async function keysCommand(
  withDatabase: WithDatabase,
  config: Config,
  { name, texts, flags }: Command,
  say: Say,
): Promise<void> {
  const folder = join(config.dataDir, 'keys')
  if (name === 'keys list') return list(await ringOf(config, folder), flags.has('json'), say)
  if (config.givenKeys) {
    throw conflict(
      'The keys are given by FIELDBOOK_TOKEN_KEY or FIELDBOOK_TOKEN_KEY_FILE. Put a new one before the others to rotate, and take one away to retire it.',
    )
  }
  // Closes the folder to others, and takes the key of an earlier version over.
  await ringOf(config, folder)
  await openTokenKeys(folder)
  if (name === 'keys rotate') return rotate(folder, texts['overlap'] ?? OVERLAP, say)
  return retire(withDatabase, folder, { texts, flags }, say)
}

async function ringOf({ givenKeys }: Config, folder: string): Promise<KeyRing> {
  if (givenKeys)
    return 'text' in givenKeys ? ringOfText(givenKeys.text, 'FIELDBOOK_TOKEN_KEY') : ringOfFile(givenKeys.file)
  const stored = await readRing(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!stored) throw conflict(`There are no keys in ${folder} yet: the first start of the service makes one.`)
  return stored.ring
}

function list({ keys }: KeyRing, asJson: boolean, say: Say): void {
  if (asJson) {
    // Public halves alone, so that they can be given to another installation to verify with.
    const told = keys.map((key) => ({ ...key, jwk: { ...publicPart(key.jwk), kid: key.kid } }))
    say(JSON.stringify({ keys: told }, undefined, 2))
    return
  }
  const rows = keys.map(({ kid, createdAt, replacedAt, sessionsUntil }, index) => [
    kid,
    index === 0 ? 'signs' : 'verifies',
    replacedAt ? `made ${createdAt}, replaced ${replacedAt}` : `made ${createdAt}`,
    sessionsUntil ? `sessions until ${sessionsUntil}` : '',
  ])
  for (const line of inColumns(rows)) say(line)
}

async function rotate(folder: string, overlap: string, say: Say): Promise<void> {
  const overlapMs = milliseconds(overlap)
  const made = await makeKey(new Date())
  const { ring } = await changeRing(folder, (before) => rotated(before ?? { keys: [] }, made, new Date(), overlapMs))
  const replaced = ring.keys[1]
  say(`${made.kid} signs from now on.`)
  if (!replaced) return
  say(
    `${replaced.kid} still verifies: sessions until ${replaced.sessionsUntil}, API tokens and devices until it is retired.`,
  )
}

function milliseconds(text: string): number {
  try {
    return duration(text)
  } catch {
    throw new UsageError(`--overlap must be a duration such as 12h or 30d, and "${text}" is none.`)
  }
}

async function retire(
  withDatabase: WithDatabase,
  folder: string,
  { texts, flags }: Pick<Command, 'texts' | 'flags'>,
  say: Say,
): Promise<void> {
  const { key } = texts
  if ((key === undefined) === !flags.has('all'))
    throw new UsageError('Say which key, or --all for each that was replaced.')
  const ring = (await readRing(folder))?.ring ?? { keys: [] }
  const ending = key === undefined ? ring.keys.slice(1) : ring.keys.filter(({ kid }) => kid === key)
  if (key !== undefined) retired(ring, key)
  if (ending.length === 0) return say('No key was replaced.')
  const count = await withDatabase((db) => livingTokens(db, ring, ending))
  if (count > 0 && !flags.has('yes')) {
    throw conflict(
      `${count} API ${count === 1 ? 'token' : 'tokens'} made while ${ending.length === 1 ? 'it' : 'they'} signed would end, beside tokens of devices. ` +
        'Make new ones first, or give --yes.',
    )
  }
  const kids = ending.map(({ kid }) => kid)
  await changeRing(folder, (before) => kids.reduce(retired, before ?? { keys: [] }))
  for (const kid of kids) say(`${kid} is retired: what it signed is not accepted any more.`)
  if (count > 0) say(`${count} API ${count === 1 ? 'token' : 'tokens'} ended with it.`)
}

/** API tokens that are good and were made while one of these keys signed; the oldest has signed since ever. */
async function livingTokens(db: Database, { keys }: KeyRing, ending: readonly TokenKey[]): Promise<number> {
  const spans = ending.map((key) => ({
    from: key === keys.at(-1) ? '-infinity' : key.createdAt,
    to: new Date(Date.parse(key.replacedAt ?? '') + LATE_MS).toISOString(),
  }))
  const row = await db.one<{ count: number }>(
    `select count(*)::int as count from api_tokens
     where status = 'active' and (expires_at is null or expires_at > now())
       and exists (select from unnest($1::timestamptz[], $2::timestamptz[]) as span (since, until)
                   where created_at between since and until)`,
    [spans.map(({ from }) => from), spans.map(({ to }) => to)],
  )
  return row?.count ?? 0
}
