/** What templates of an execution see: enough to name things by, nothing of where bytes are kept. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { inputContext, outputContext } from '../../server/executions/context.ts'
import { type Execution, toLog } from '../../server/executions/record.ts'
import { renderTemplate } from '../../server/templates/render.ts'

const AT = new Date('2026-03-01T04:05:06.789Z')
const FILE = { key: 'executions/e1/1/outputs/0', size: 5, contentType: 'text/csv' }
const EXECUTION: Execution = {
  id: 'e1',
  applicationId: 'a1',
  notebookId: 'n1',
  status: 'inProgress',
  snapshot: {
    name: 'Daily report',
    description: undefined,
    imageVersion: 'v4',
    inputs: [],
    outputs: [],
    jupyterFileName: 'report.ipynb',
    jupyterBlobKey: 'notebooks/n1/secret.ipynb',
  },
  relativeTo: AT,
  templateContext: '{"site": "north", "constructor": "c"}',
  sourceType: 'user',
  sourceId: undefined,
  schedule: undefined,
  maxRunMinutes: 60,
  rerunOf: undefined,
  givenInputs: undefined,
  backfillId: undefined,
  attempt: 1,
  queuedAt: AT,
  startedAt: undefined,
  inputsCompletedAt: undefined,
  notebookCompletedAt: undefined,
  outputsCompletedAt: undefined,
  inputInfo: {},
  outputInfo: { 'a.csv': FILE },
  errors: [],
  progress: { phase: 'inputs', cell: 0, cells: 0 },
  ranOn: undefined,
  metrics: undefined,
}
const GLOBALS = { limit: 5 }

test('inputs see the custom context and the globals only', () => {
  const context = inputContext(EXECUTION, GLOBALS)
  assert.deepEqual(Object.keys(context), ['ctx', 'globals'])
  assert.equal(renderTemplate('{{ctx.site}}{{ctx.constructor}}{{globals.limit}}', context), 'northc5')
  for (const templateContext of [undefined, '']) {
    assert.deepEqual(inputContext({ ...EXECUTION, templateContext }, GLOBALS)['ctx'], {})
  }
})

test('outputs also see the notebook and the execution, and not where its file is kept', () => {
  const context = outputContext(
    EXECUTION,
    toLog(EXECUTION, (file) => `/link/${file.size}`),
    GLOBALS,
  )
  const template =
    '{{notebook.name}} {{notebook.id}} {{execution.id}} {{formatDate execution.executionRelativeTo "YYYY"}} {{ctx.site}}'
  assert.equal(renderTemplate(template, context), 'Daily report n1 e1 2026 north')
  const times = '{{execution.runQueuedAt}} {{format execution.runQueuedAt "MMM"}}{{execution.outputsCompletedAt}}'
  assert.equal(renderTemplate(times, context), '2026-03-01T04:05:06.789Z Mar')
  assert.ok(!JSON.stringify(context).includes('secret.ipynb'))
  assert.ok(!JSON.stringify(context).includes(FILE.key))
})

test('a log tells times only once they are reached, and links from the time the run ended or began', () => {
  const linkedFrom: Date[] = []
  const log = (rest: Partial<Execution>) =>
    toLog({ ...EXECUTION, ...rest }, (_, name, from) => {
      linkedFrom.push(from)
      return `/${name}`
    })
  const early = log({})
  assert.deepEqual(early.outputInfo, { 'a.csv': { size: 5, contentType: 'text/csv', url: '/a.csv' } })
  for (const name of ['runStartedAt', 'inputsCompletedAt', 'notebookCompletedAt', 'outputsCompletedAt', 'sourceId']) {
    assert.ok(!(name in early), name)
  }
  const [started, ended] = [new Date(AT.getTime() + 1), new Date(AT.getTime() + 2)]
  assert.equal(log({ startedAt: started }).runStartedAt, started.toISOString())
  log({ startedAt: started, outputsCompletedAt: ended })
  assert.deepEqual(linkedFrom, [AT, started, ended])
})
