/**
 * A worker as a process of its own, which a test can kill or stop. Its one argument is JSON: the address of the database,
 * the folder it shares with the test, and its lease. Prints its id when it is ready.
 */

import { openWorker } from '../../server/executions/worker.ts'
import { createLog } from '../../server/ground/log.ts'
import { openDatabase } from '../../server/stores/postgres/database.ts'
import { openRunParts } from './run-parts.ts'

const { connection, folder, leaseMs } = JSON.parse(process.argv[2] ?? '{}')
const db = await openDatabase({ connection }, { poolSize: 8 })
const worker = await openWorker(await openRunParts(db, folder, createLog('error')), { slots: 1, leaseMs })
console.log(worker.id)
