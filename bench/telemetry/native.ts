/** The peer: DuckDB by itself, in a child process, with all rows in one flat typed table of its own file. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ATTRIBUTES, type ValueType } from './fleet.ts'

const PEER = fileURLToPath(new URL('native-peer.ts', import.meta.url))
const TYPES: Record<ValueType, string> = { number: 'double', boolean: 'boolean', text: 'varchar' }
const COLUMNS = [['device_id', 'varchar'], ['ts', 'bigint'], ...ATTRIBUTES.map(({ name, type }) => [name, TYPES[type]])]

/** Told and not guessed: a file whose first rows have no position has its first quote a hundred thousand rows later. */
const DIALECT = `auto_detect = false, delim = ',', quote = '"', escape = '"'`

export interface Native extends AsyncDisposable {
  /** Appends lines of `Lines.flat`. */
  load(csvFile: string): Promise<void>
  /** Its own COPY, in the order that suits it: all columns of all rows, or some attributes of some devices. */
  copy(file: string, some?: { deviceIds: readonly string[]; attributes: readonly string[] }): Promise<void>
  /** What CSV files of `ID,Timestamp,<attributes>` hold, whatever the order of rows and the spelling of values. */
  contentOf(file: string, attributes: readonly string[]): Promise<string>
}

/** Starts it on a file that does not exist yet, with as many threads as ours has. */
export async function openNative(file: string, threads: number): Promise<Native> {
  const child = fork(PEER, [file, String(threads)])
  const ended = once(child, 'exit')
  const ask = async (sql: string): Promise<Record<string, unknown>[]> => {
    child.send(sql)
    const [reply] = await Promise.race([once(child, 'message'), ended])
    if (typeof reply !== 'object') throw new Error(`the peer ended with ${reply} at: ${sql.slice(0, 200)}`)
    if (reply.error) throw new Error(`the peer says ${reply.error} to: ${sql.slice(0, 200)}`)
    return reply.rows
  }
  await ask(`create table flat (${COLUMNS.map((column) => column.join(' ')).join(', ')})`)
  await ask('set preserve_insertion_order = false')
  return {
    load: async (csvFile) => {
      // The order of arrival is part of the data set: only while it is copied out may it be lost.
      await ask('set preserve_insertion_order = true')
      await ask(
        `insert into flat from read_csv(${text(csvFile)}, header = false, ${DIALECT}, columns = ${columnsOf(COLUMNS)})`,
      )
      await ask('set preserve_insertion_order = false')
      await ask('checkpoint')
    },
    copy: async (target, some) => {
      const rows = some
        ? `select device_id, ts, ${some.attributes.join(', ')} from flat where device_id in (${some.deviceIds.map(text).join(', ')})`
        : 'from flat'
      await ask(`copy (${rows}) to ${text(target)} (format csv, header true)`)
    },
    contentOf: async (target, attributes) => {
      const columns = COLUMNS.filter(([name = ''], index) => index < 2 || attributes.includes(name))
      const [row] = await ask(
        `select count(*) as rows, bit_xor(hash(${columns.map(([name]) => name).join(', ')})) as hash
         from read_csv(${text(target)}, header = true, ${DIALECT}, columns = ${columnsOf(columns)})`,
      )
      return JSON.stringify(row)
    },
    [Symbol.asyncDispose]: async () => {
      child.disconnect()
      await ended
    },
  }
}

const text = (value: string) => `'${value.replaceAll("'", "''")}'`

const columnsOf = (columns: readonly (readonly string[])[]) =>
  `{ ${columns.map(([name = '', type = '']) => `${text(name)}: ${text(type)}`).join(', ')} }`
