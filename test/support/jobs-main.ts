/**
 * A worker of jobs as a process of its own, which a test can kill. Its one argument is JSON: the address of the database
 * and the folder it shares with the test. Its one kind of work writes a file, says so, and does not end. Prints what
 * happens, one word a line.
 */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { openTestJobs } from './jobs.ts'

const { connection, folder } = JSON.parse(process.argv[2] ?? '{}')
const db = await openDatabase({ connection }, { poolSize: 8 })
await openTestJobs({
  db,
  folder,
  work: {
    report: async (_, tools) => {
      await writeFile(join(tools.folder, 'half.csv'), 'half of a file')
      console.log(`started ${tools.folder}`)
      await pause(600_000)
      return {}
    },
  },
})
console.log('ready')
