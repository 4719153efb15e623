/** The child process of `native.ts`: DuckDB on a file of its own, one statement after the other as the parent says. */

import { DuckDBInstance } from '@duckdb/node-api'

const [file = ':memory:', threads = '2'] = process.argv.slice(2)
const instance = await DuckDBInstance.create(file, { threads, autoinstall_known_extensions: 'false' })
const connection = await instance.connect()

process.on('message', (sql) => {
  void answer(String(sql)).then((reply) => process.send?.(reply))
})
process.on('disconnect', () => process.exit())

async function answer(sql: string): Promise<{ rows?: unknown; error?: string }> {
  try {
    return { rows: (await connection.runAndReadAll(sql)).getRowObjectsJson() }
  } catch (error) {
    return { error: String(error) }
  }
}
