/** Settings of the history of devices: how long it is kept, when it is sealed, what its reader may use. */

import { A_DURATION, A_SIZE, duration, entry, integer, size } from './setting.ts'

export const TELEMETRY_SETTINGS = {
  retention: entry({
    name: 'FIELDBOOK_RETENTION',
    default: '',
    says: 'How long device states are kept, by their own time, in applications that set nothing else; empty is for ever.',
    expects: A_DURATION,
    parse: (value: string) => (value ? duration(value) : undefined),
  }),
  sealAge: entry({
    name: 'FIELDBOOK_SEAL_AGE',
    default: '3m',
    says: 'How long reported states stay in the database before they are sealed into files.',
    expects: A_DURATION,
    parse: duration,
  }),
  sealRows: entry({
    name: 'FIELDBOOK_SEAL_ROWS',
    default: '200000',
    says: 'States of one application that are sealed before that age, when there are so many.',
    expects: 'a number from 1000 to 10000000',
    parse: integer(1_000, 10_000_000),
  }),
  segmentGrace: entry({
    name: 'FIELDBOOK_SEGMENT_GRACE',
    default: '10m',
    says: 'How long replaced files of states stay, for readers that have just looked.',
    expects: A_DURATION,
    parse: duration,
  }),
  duckdbMemory: entry({
    name: 'FIELDBOOK_DUCKDB_MEMORY',
    default: '512MiB',
    says: 'What DuckDB keeps in memory when it reads and seals states; its process takes up to twice that.',
    expects: A_SIZE,
    parse: size,
  }),
  duckdbDisk: entry({
    name: 'FIELDBOOK_DUCKDB_DISK',
    default: '20GiB',
    says: 'What DuckDB may put on disk meanwhile, in the data folder.',
    expects: A_SIZE,
    parse: size,
  }),
}
