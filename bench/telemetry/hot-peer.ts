/** The peer: PostgreSQL's own COPY from a table of the same rows as the hot table had, with the same index. */

import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import type { Transaction } from '../../server/stores/postgres/transaction.ts'
import type { Store } from '../store.ts'

export interface HotRows {
  readonly deviceIds: readonly string[]
  readonly attributes: readonly string[]
}

/** How the rows are read: one cell after the other as they are found, or as readers of the hot table need them. */
export type HotWay = 'plain' | 'ordered' | 'merged'

const TABLE = 'peer_states'

/** Made before the first reports come in. */
export async function makeHotPeer({ db }: Store): Promise<void> {
  await db.query(`create table ${TABLE} (
    seq bigint generated always as identity, application_id text not null, device_id text not null, ts bigint not null,
    doc jsonb not null)`)
}

/** Takes what is in the hot table at the moment as well. */
export async function copyHotRows({ db }: Store): Promise<void> {
  await db.query(`insert into ${TABLE} (application_id, device_id, ts, doc)
    select application_id, device_id, ts, doc from hot_states order by seq`)
}

/** The index is made when all rows are in, which is quicker and leaves it in its best shape. */
export async function finishHotPeer({ db }: Store): Promise<void> {
  await db.query(`create index ${TABLE}_device on ${TABLE} (application_id, device_id, ts)`)
  await db.query(`vacuum analyze ${TABLE}`)
}

/** Rows that have any of the attributes, as CSV without a header. */
export async function copyFromHotPeer(store: Store, rows: HotRows, way: HotWay, file: string): Promise<void> {
  const copy = (tx: Transaction) =>
    pipeline(tx.copyTo(statement(store.applicationId, rows, way)), createWriteStream(file))
  await store.db.transaction(copy, { readOnly: true })
}

function statement(applicationId: string, { deviceIds, attributes }: HotRows, way: HotWay): string {
  const array = (texts: readonly string[]) => `array[${texts.map((text) => `'${text}'`).join(', ')}]`
  const wanted = `application_id = '${applicationId}' and device_id = any (${array(deviceIds)}) and doc ?| ${array(attributes)}`
  const source =
    way === 'merged'
      ? `(select device_id, ts, jsonb_merge(doc order by seq) as doc from ${TABLE} where ${wanted} group by device_id, ts) m`
      : `${TABLE} where ${wanted}`
  const cells = attributes.map((name) => (way === 'merged' ? `csv_cell(doc -> '${name}')` : `doc ->> '${name}'`))
  const order = way === 'plain' ? '' : 'order by device_id collate "C", ts'
  return `copy (select ${['device_id', 'ts', ...cells].join(', ')} from ${source} ${order}) to stdout (format csv)`
}
