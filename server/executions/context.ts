/** What templates of an execution see. */

import type { ExecutionLog } from '../../contract/executions.ts'
import { PrintableDate } from '../templates/dates.ts'
import type { TemplateContext } from '../templates/render.ts'
import type { Execution } from './record.ts'

/** Inputs see the custom context as `ctx` and the application's globals as `globals`. */
export const contextOf = (templateContext: string | undefined, globals: Record<string, unknown>): TemplateContext => ({
  ctx: templateContext ? JSON.parse(templateContext) : {},
  globals,
})

export const inputContext = (execution: Execution, globals: Record<string, unknown>): TemplateContext =>
  contextOf(execution.templateContext, globals)

/** Outputs also see the notebook and the execution's log record, with times that print as ISO 8601. */
export function outputContext(
  execution: Execution,
  log: ExecutionLog,
  globals: Record<string, unknown>,
): TemplateContext {
  const { jupyterBlobKey: _, limits: __, ...notebook } = execution.snapshot
  return {
    ...inputContext(execution, globals),
    notebook: {
      id: execution.notebookId,
      notebookId: execution.notebookId,
      applicationId: execution.applicationId,
      ...notebook,
    },
    execution: withDates(log),
  }
}

const TIMES = [
  'executionRelativeTo',
  'runQueuedAt',
  'runStartedAt',
  'inputsCompletedAt',
  'notebookCompletedAt',
  'outputsCompletedAt',
] as const satisfies (keyof ExecutionLog)[]

/** Dates, so that `format` writes them as dates. */
const withDates = (log: ExecutionLog) => ({
  ...log,
  ...Object.fromEntries(TIMES.flatMap((name) => (log[name] ? [[name, new PrintableDate(log[name])]] : []))),
})
