/** `fieldbook user …`: what owners do over HTTP, for whoever has the machine. */

import { acceptInvitation } from '../../contract/users.ts'
import * as accounts from '../access/accounts.ts'
import { mailInvitation } from '../access/invitation-mail.ts'
import { invite } from '../access/invitations.ts'
import { hashPassword } from '../access/passwords.ts'
import type { Config } from '../ground/config.ts'
import { configuredUrl } from '../http/own-url.ts'
import type { Database } from '../stores/postgres/database.ts'
import { type Command, UsageError } from './arguments.ts'
import { inColumns, readPassword, type Say } from './output.ts'

/** Does one of the commands about users. @throws UsageError, AppError */
export async function userCommand(
  db: Database,
  config: Config,
  { name, texts, flags }: Command,
  say: Say,
): Promise<void> {
  if (name === 'user list') return list(db, flags.has('json'), say)
  const email = texts['email']
  if (!email || !/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 1024) {
    throw new UsageError(`--email must be an e-mail address${email ? `, and "${email}" is none` : ''}.`)
  }
  if (flags.has('invite') && flags.has('password-stdin')) {
    throw new UsageError('Give one of --invite and --password-stdin.')
  }
  if (name === 'user add') return add(db, config, email, flags, say)
  const id = await accounts.findUser(db, email)
  if (name === 'user reset-password') {
    if (!flags.has('password-stdin')) return invited(db, config, id, email, say)
    await accounts.patchUser(db, id, { passwordHash: await hashPassword(await readPassword()) })
    say(`${email} has a new password, and no session any more.`)
  } else if (name === 'user end-sessions') {
    await accounts.patchUser(db, id, { endSessions: true })
    say(`${email} has no session any more.`)
  } else {
    const isDisabled = name === 'user disable'
    await accounts.patchUser(db, id, { isDisabled })
    say(isDisabled ? `${email} is shut out.` : `${email} may sign in again.`)
  }
}

async function list(db: Database, asJson: boolean, say: Say): Promise<void> {
  const users = (await db.query<accounts.UserRow>(`${accounts.USERS} order by lower(u.email)`)).map(accounts.toUser)
  if (asJson) return say(JSON.stringify(users, undefined, 2))
  const rows = users.map(({ id, email, isOwner, status, applicationCount }) => [
    email,
    isOwner ? 'owner' : '',
    status,
    `${applicationCount} ${applicationCount === 1 ? 'application' : 'applications'}`,
    id,
  ])
  for (const line of inColumns(rows)) say(line)
}

async function add(db: Database, config: Config, email: string, flags: Command['flags'], say: Say): Promise<void> {
  const passwordHash = flags.has('password-stdin') ? await hashPassword(await readPassword()) : undefined
  const isOwner = flags.has('owner')
  const id = await db.transaction((tx) => accounts.createUser(tx, { email, isOwner, passwordHash }))
  say(`Made the user ${email}${isOwner ? ', an owner' : ''} (${id}).`)
  if (!passwordHash) await invited(db, config, id, email, say)
}

async function invited(db: Database, config: Config, id: string, email: string, say: Say): Promise<void> {
  const made = await invite(db, id)
  const url = `${configuredUrl(config.http)}${acceptInvitation.path}`
  const mail = await mailInvitation(config.outgoing, email, made, url)
  say(mail.status === 'sent' ? `A mail with the invitation went to ${email}.` : `No mail was sent: ${mail.reason}.`)
  say(`The invitation works once, until ${made.expiresAt.toISOString()}; it is shown only now:`)
  say(`  curl ${url} -H 'content-type: application/json' -d '{"secret": "${made.secret}", "password": "…"}'`)
}
