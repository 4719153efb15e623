/** Steps that many journeys share: an application to work in, a notebook made of cells, a run to its end. */

import type { Application } from '../../contract/applications.ts'
import type { ExecutionLog } from '../../contract/executions.ts'
import type { Notebook, NotebookPost } from '../../contract/notebooks.ts'
import type { Official } from './official.ts'

/** An `.ipynb` with these code cells, as the official client uploads text. */
export const ipynb = (...sources: string[]): string =>
  JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: sources.map((source, index) => ({
      id: `cell-${index}`,
      cell_type: 'code',
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  })

export const makeApplication = (losant: Official, name = 'a plant') =>
  losant.call<Application>('applications.post', { application: { name } })

/** A notebook with its cells uploaded. */
export async function makeNotebook(
  losant: Official,
  applicationId: string,
  notebook: Partial<NotebookPost>,
  ...cells: string[]
): Promise<Notebook> {
  const made = await losant.call<Notebook>('notebooks.post', {
    applicationId,
    notebook: { name: 'a notebook', ...notebook },
  })
  return losant.call<Notebook>('notebook.upload', {
    applicationId,
    notebookId: made.id,
    jupyterFile: ipynb(...cells),
  })
}

const FINAL = new Set(['completed', 'errored', 'timeout', 'canceled'])
const RUN_MS = 120_000

/** Executes a notebook and polls its logs, as clients of the original do, until it has ended. */
export async function runToEnd(
  losant: Official,
  notebook: Pick<Notebook, 'applicationId' | 'id'>,
  executionOptions: object = {},
): Promise<ExecutionLog> {
  const params = { applicationId: notebook.applicationId, notebookId: notebook.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions,
  })
  return untilStatus(losant, params, executionId, (status) => FINAL.has(status))
}

/** Polls the logs until an execution's status is one that is waited for. */
export async function untilStatus(
  losant: Official,
  params: { applicationId: string; notebookId: string },
  executionId: string,
  isIt: (status: string) => boolean,
): Promise<ExecutionLog> {
  const deadline = Date.now() + RUN_MS
  for (;;) {
    const logs = await losant.call<ExecutionLog[]>('notebook.logs', { ...params, limit: 20 })
    const log = logs.find(({ id }) => id === executionId)
    if (log && isIt(log.status)) return log
    if (Date.now() > deadline) throw new Error(`the execution is still ${log?.status}: ${JSON.stringify(log)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** What a link of an execution opens, fetched without credentials. */
export async function open(info: Record<string, { url: string }>, name: string): Promise<string> {
  const url = info[name]?.url
  if (!url) throw new Error(`there is no ${name} among ${Object.keys(info).join(', ')}`)
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`)
  return response.text()
}
