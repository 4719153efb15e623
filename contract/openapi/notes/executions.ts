/** Notes about `contract/executions.ts`. */

import { APPLICATION, blobLink, EXECUTION, MIDNIGHT, NOTEBOOK, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const log = {
  id: EXECUTION,
  notebookExecutionId: EXECUTION,
  notebookId: NOTEBOOK,
  applicationId: APPLICATION,
  imageVersion: 'v4',
  status: 'completed',
  executionRelativeTo: MIDNIGHT,
  maxAllowedRunMinutes: 60,
  sourceType: 'user',
  sourceId: USER,
  runQueuedAt: '2026-11-26T05:00:00.012Z',
  runStartedAt: '2026-11-26T05:00:00.031Z',
  inputsCompletedAt: '2026-11-26T05:00:00.240Z',
  notebookCompletedAt: '2026-11-26T05:00:03.911Z',
  outputsCompletedAt: '2026-11-26T05:00:04.377Z',
  inputInfo: {
    'temperatures.csv': { size: 120_334, url: blobLink('temperatures.csv'), contentType: 'text/csv' },
  },
  outputInfo: { 'result.html': { size: 284_113, url: blobLink('result.html'), contentType: 'text/html' } },
  outputCount: 1,
  executionErrors: [],
}

const usage = {
  peakMemoryBytes: 214_003_712,
  cpuSeconds: 2.9,
  bytesIn: 120_334,
  bytesOut: 284_113,
  outputBytes: 9_120,
  phasesMs: { queued: 19, inputs: 209, notebook: 3_671, outputs: 466 },
  cells: [{ cellNumber: 1, cellIndex: 1, ms: 412.7 }],
}

const ranOn = {
  image: { version: 'v4', source: 'index', pythonVersion: '3.13.5', packages: { pandas: '2.3.1' } },
  sandbox: { level: 3, name: 'full' },
}

const cause = {
  name: 'CellError',
  message: 'Cell 3 raised KeyError: temperature',
  cellNumber: 3,
  cellIndex: 5,
  ename: 'KeyError',
  evalue: "'temperature'",
  traceback: ["KeyError: 'temperature'"],
}

const NO_PLACE = {
  when: 'As many executions wait as may, or the minutes of the month are used up.',
  message:
    '100 executions of this application wait already, and at most 100 may (its limits); try again when some have started',
}

export const notes: Notes = {
  tag: { name: 'Executions', description: 'Runs of notebooks: asking for them, watching them, and what came of them.' },
  schemas: {
    ExecutionStatus: { is: 'Where an execution stands; the last four are final but for canceling.' },
    ExecutionOptions: {
      is: 'How a notebook is to be executed.',
      example: { relativeTo: MIDNIGHT, templateContext: '{"night": "2026-11-25"}', email: 'ada@example.com' },
    },
    ExecutionLog: { is: 'What is known of one execution.', example: log },
    ExecutionCause: { is: 'Why an execution did not succeed.', example: cause },
    ExecutionUsage: { is: 'What an execution used.', example: usage },
    Progress: { is: 'How far an execution has got.', example: { phase: 'finished', cell: 7, cells: 7 } },
    RanOn: { is: 'What an execution ran on.', example: ranOn },
  },
  routes: {
    executeNotebook: {
      more: 'Answers at once with the id of the execution. With `wait` it answers when the execution has ended, with its log, or after so many seconds without.',
      reply: { success: true, executionId: EXECUTION },
      errors: { 429: NO_PLACE },
    },
    cancelExecution: {
      more: 'A cell that runs is interrupted; one that does not heed it is killed. An execution that has ended stays as it is.',
    },
    getLogs: { reply: [log] },
    getExecution: {
      own: true,
      more: 'The original has the list of logs only.',
      reply: {
        ...log,
        progress: { phase: 'finished', cell: 7, cells: 7 },
        attempt: 1,
        usage,
        warnings: [],
        ranOn,
      },
    },
    rerunExecution: {
      own: true,
      more: 'The execution must have ended, and had all of its inputs.',
      reply: { success: true, executionId: EXECUTION },
      errors: {
        409: {
          when: 'The execution has not ended, or did not have all of its inputs.',
          message: 'The execution has not ended, it is inProgress; it can be run again once it has',
        },
        410: {
          when: 'The notebook of then, or one of the inputs, is kept no longer.',
          message: 'The notebook that was executed, night.ipynb, is kept no longer',
        },
        429: NO_PLACE,
      },
    },
  },
}
