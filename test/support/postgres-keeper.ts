/**
 * The process that keeps one PostgreSQL server for all test files of a checkout, each of which runs in a process of its
 * own. Whoever wants the server holds a connection to the keeper; 20 s after the last one closed, it stops the server and
 * ends. Arguments: the data folder, and the name to listen under.
 */

import { createServer, type Socket } from 'node:net'
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../server/stores/postgres/embedded.ts'
import { findBwrap } from './postgres-bwrap.ts'
import { forgetDatabases } from './postgres-template.ts'

/** Longer than the pause between two test files, and between two runs of somebody at work. */
const IDLE_LIMIT_MS = 20_000

const [dataDir = '', name = ''] = process.argv.slice(2)
const users = new Set<Socket>()
let idle: NodeJS.Timeout | undefined

const opening = Promise.withResolvers<EmbeddedPostgres>()
const door = createServer(serve)
door.on('error', () => process.exit(0)) // the name is taken: another keeper was faster, and serves
door.listen({ path: `\0${name}` }, () => {
  openServer().then(opening.resolve, opening.reject)
  endWhenIdle()
})
process.once('SIGTERM', () => void end())
process.once('SIGINT', () => void end())

async function openServer(): Promise<EmbeddedPostgres> {
  const server = await openEmbeddedPostgres({
    dataDir,
    bwrap: findBwrap(),
    ownerLimitMs: 45_000, // a keeper that is just ending
    // All a power loss would cost here is a test run.
    settings: { max_connections: '200', fsync: 'off' },
  })
  await forgetDatabases(server.connection)
  return server
}

function serve(user: Socket): void {
  users.add(user)
  clearTimeout(idle)
  user
    .on('error', () => {})
    .on('close', () => {
      users.delete(user)
      endWhenIdle()
    })
  const answer = (said: object) => `${JSON.stringify(said)}\n`
  opening.promise.then(
    ({ connection }) => user.write(answer({ connection })),
    (error: Error) => user.end(answer({ error: error.message }), () => void end()),
  )
}

function endWhenIdle(): void {
  clearTimeout(idle)
  if (users.size === 0) idle = setTimeout(() => void end(), IDLE_LIMIT_MS)
}

/** The door closes first: whoever comes now starts the next keeper, and that one waits until this one's server is gone. */
async function end(): Promise<void> {
  door.close()
  const server = await opening.promise.catch(() => undefined)
  await server?.stop()
  process.exit(0)
}
