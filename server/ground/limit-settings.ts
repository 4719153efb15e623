/** The settings that bound one execution. A notebook may have lower limits of its own, never higher ones. */

import { A_DURATION, A_SIZE, duration, entry, integer, number, size } from './setting.ts'

/** Seconds of a text such as `15m`; empty is 0, which stands for no limit. */
const secondsOrNone = (value: string) => (value ? duration(value) / 1000 : 0)

export const LIMIT_SETTINGS = {
  runMinutes: entry({
    name: 'FIELDBOOK_RUN_MINUTES',
    default: '60',
    says: 'Minutes a notebook may run before it ends with status timeout.',
    expects: 'a number from 0.01 to 10080',
    parse: number(0.01, 10_080),
  }),
  cellTime: entry({
    name: 'FIELDBOOK_CELL_TIME',
    default: '',
    says: 'How long one cell may run; empty is as long as the notebook.',
    expects: A_DURATION,
    parse: secondsOrNone,
  }),
  silence: entry({
    name: 'FIELDBOOK_SILENCE',
    default: '',
    says: 'How long a running cell may go without any sign of life from its kernel; empty is for ever.',
    expects: A_DURATION,
    parse: secondsOrNone,
  }),
  runMemory: entry({
    name: 'FIELDBOOK_RUN_MEMORY',
    default: '2GiB',
    says: 'Memory one execution may use, its files in memory included.',
    expects: A_SIZE,
    parse: size,
  }),
  runCores: entry({
    name: 'FIELDBOOK_RUN_CORES',
    default: '0',
    says: 'Cores one execution may use, fractions allowed; 0 is whatever is free.',
    expects: 'a number from 0 to 1024',
    parse: number(0, 1024),
  }),
  runProcesses: entry({
    name: 'FIELDBOOK_RUN_PROCESSES',
    default: '256',
    says: 'Processes and threads one execution may have.',
    expects: 'a number from 16 to 100000',
    parse: integer(16, 100_000),
  }),
  runOpenFiles: entry({
    name: 'FIELDBOOK_RUN_OPEN_FILES',
    default: '1024',
    says: 'Files one process of an execution may have open.',
    expects: 'a number from 64 to 1000000',
    parse: integer(64, 1_000_000),
  }),
  outputSize: entry({
    name: 'FIELDBOOK_OUTPUT_SIZE',
    default: '1GiB',
    says: 'What one execution may leave in OUTPUT_DIR.',
    expects: A_SIZE,
    parse: size,
  }),
  outputFiles: entry({
    name: 'FIELDBOOK_OUTPUT_FILES',
    default: '10000',
    says: 'Files and folders one execution may leave in OUTPUT_DIR.',
    expects: 'a number from 16 to 10000000',
    parse: integer(16, 10_000_000),
  }),
  temporarySize: entry({
    name: 'FIELDBOOK_TEMPORARY_SIZE',
    default: '1GiB',
    says: 'What one execution may write to each of /tmp, /dev/shm and its home.',
    expects: A_SIZE,
    parse: size,
  }),
  temporaryFiles: entry({
    name: 'FIELDBOOK_TEMPORARY_FILES',
    default: '100000',
    says: 'Files and folders one execution may make in each of them.',
    expects: 'a number from 64 to 10000000',
    parse: integer(64, 10_000_000),
  }),
  cellOutput: entry({
    name: 'FIELDBOOK_CELL_OUTPUT',
    default: '10MiB',
    says: 'What is kept of the output of one cell; the middle of more is cut out.',
    expects: A_SIZE,
    parse: size,
  }),
  runOutput: entry({
    name: 'FIELDBOOK_RUN_OUTPUT',
    default: '50MiB',
    says: 'What is kept of the output of all cells of an execution.',
    expects: A_SIZE,
    parse: size,
  }),
}
