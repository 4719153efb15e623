/** What is told of an execution's end: a mail for people, and JSON for programs in the shape of the original's trigger. */

import { stripVTControlCharacters } from 'node:util'
import type { ExecutionCause, ExecutionStatus } from '../../contract/executions.ts'
import { type Letter, mailOf } from '../jobs/letter.ts'
import type { Message } from '../jobs/telling.ts'
import { type Execution, type LinkFile, RESULT_FILES, type Tells, toLog } from './record.ts'

export interface Ended {
  readonly execution: Execution
  readonly tells: Tells
  readonly applicationName: string
}

export interface EndLinks {
  readonly linkFile: LinkFile
  /** How long links last. */
  readonly days: number
  /** The execution's own address, for those with a token. */
  readonly logUrl: string
}

/** Of a traceback, from its end; a mail is for a first look, the notebook has all of it. */
const QUOTED_LINES = 15
const QUOTED_CHARACTERS = 4000
/** More are rare, and the log has them. */
const TOLD_CAUSES = 5
/** Besides the result files: a directory can leave 10,000 files, and a link has 300 characters. The log has all of them. */
const MAILED_FILES = 20
const CALLBACK_FILES = 1000

/** The message of an ended execution to those who asked for one. */
export function endMessage({ execution, tells, applicationName }: Ended, links: EndLinks): Message {
  const { email, callbackUrl } = tells
  return {
    applicationId: execution.applicationId,
    about: { type: 'execution', id: execution.id },
    mail: email ? { to: email, ...mailOf(letterOf(execution, applicationName, links)) } : undefined,
    callback: callbackUrl ? { url: callbackUrl, body: callbackOf(execution, links) } : undefined,
  }
}

/** The execution with its result files and as many others, in the order of its own list, and how many others there are. */
function withFewFiles(execution: Execution, others: number): { execution: Execution; more: number } {
  const all = Object.entries(execution.outputInfo)
  let left = others
  const told = all.filter(([name]) => RESULT_FILES.includes(name) || left-- > 0)
  return { execution: { ...execution, outputInfo: Object.fromEntries(told) }, more: all.length - told.length }
}

function callbackOf(ended: Execution, { linkFile, logUrl }: EndLinks): object {
  const { execution, more } = withFewFiles(ended, CALLBACK_FILES)
  const { snapshot, notebookId, applicationId } = execution
  const upload = { key: snapshot.jupyterBlobKey, size: 0, contentType: 'application/x-ipynb+json' }
  return {
    success: execution.status === 'completed',
    applicationId,
    notebook: {
      id: notebookId,
      notebookId,
      applicationId,
      name: snapshot.name,
      ...(snapshot.description === undefined ? {} : { description: snapshot.description }),
      imageVersion: snapshot.imageVersion,
      inputs: snapshot.inputs,
      outputs: snapshot.outputs,
      jupyterFileName: snapshot.jupyterFileName,
      jupyterFileUrl: linkFile(upload, `${snapshot.name}.ipynb`, execution.outputsCompletedAt ?? execution.queuedAt),
    },
    execution: toLog(execution, linkFile),
    ...(more > 0 ? { outputsLeftOut: more, logUrl } : {}),
  }
}

const ENDED: Partial<Record<ExecutionStatus, string>> = {
  completed: 'has completed',
  errored: 'has failed',
  timeout: 'ran out of time',
  canceled: 'was canceled',
}

function letterOf(execution: Execution, applicationName: string, { linkFile, days, logUrl }: EndLinks): Letter {
  const { snapshot, status, errors, attempt } = execution
  const few = withFewFiles(execution, MAILED_FILES)
  const files = Object.entries(toLog(few.execution, linkFile).outputInfo).map(([name, { url }]) => ({ name, url }))
  const [first] = errors
  return {
    subject: `${snapshot.name}: ${status}`,
    title: `The notebook "${snapshot.name}" ${ENDED[status] ?? `is ${status}`}.`,
    isGood: status === 'completed',
    paragraphs: errors.slice(0, TOLD_CAUSES).map(({ name, message }) => `${name}: ${message}`),
    quote: first && quoteOf(first),
    links: {
      intro: `What it left can be opened for ${days} days:`,
      items: few.more > 0 ? [...files, { name: `and ${few.more} more: see the log`, url: logUrl }] : files,
    },
    facts: [
      ['Status', status],
      ...(first?.cellNumber === undefined ? [] : [['Failing cell', `[${first.cellNumber}]`] as const]),
      ...momentOf('Queued', execution.queuedAt),
      ...momentOf('Started', execution.startedAt),
      ...momentOf('Ended', execution.outputsCompletedAt),
      ...(attempt > 1 ? [['Attempts', String(attempt)] as const] : []),
      ['Application', `${applicationName} (${execution.applicationId})`],
      ['Execution', execution.id],
      ['Log', logUrl],
    ],
  }
}

const momentOf = (name: string, at: Date | undefined) =>
  at ? [[name, `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`] as const] : []

/** The last lines of a traceback without its colours; undefined for a cause that has none. */
function quoteOf({ traceback }: ExecutionCause): string | undefined {
  if (!traceback || traceback.length === 0) return undefined
  const lines = stripVTControlCharacters(traceback.join('\n')).trimEnd().split('\n')
  return lines.slice(-QUOTED_LINES).join('\n').slice(-QUOTED_CHARACTERS)
}
