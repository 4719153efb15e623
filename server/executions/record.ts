/** An execution as it is stored, and as the API shows it. */

import type { ExecutionCause, ExecutionLog, ExecutionStatus, Progress } from '../../contract/executions.ts'
import type { ExecutionLimits } from '../../contract/limits.ts'
import type { NotebookInput, NotebookOutput } from '../../contract/notebook-files.ts'
import type { ImageVersion } from '../../contract/notebooks.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { Metrics } from './metrics.ts'

/** The notebook as it was when the execution was asked for. */
export interface NotebookSnapshot {
  readonly name: string
  readonly description: string | undefined
  readonly imageVersion: ImageVersion
  readonly inputs: readonly NotebookInput[]
  readonly outputs: readonly NotebookOutput[]
  readonly jupyterFileName: string
  readonly jupyterBlobKey: string
  /** Undefined for executions that were asked for before notebooks had limits. */
  readonly limits?: ExecutionLimits
}

/** A file of an execution: where its bytes are and what they are. */
export interface KeptFile {
  readonly key: string
  readonly size: number
  readonly contentType: string
}

/** Where everything of an execution is kept, below it a folder for each attempt. */
export const executionBlobs = (id: string) => `executions/${id}`

/** What an execution really ran on. */
export interface RanOn {
  readonly image: Pick<Image, 'version' | 'source' | 'pythonVersion' | 'packages'>
  readonly sandbox: Pick<SandboxHost, 'level' | 'name'>
}

/** Who asked to be told of an execution's end, and where they reached the service: links start there. */
export interface Tells {
  readonly email?: string
  readonly callbackUrl?: string
  readonly baseUrl?: string
}

export interface Execution {
  readonly id: string
  readonly applicationId: string
  readonly notebookId: string
  readonly status: ExecutionStatus
  readonly snapshot: NotebookSnapshot
  readonly relativeTo: Date
  readonly templateContext: string | undefined
  readonly sourceType: ExecutionLog['sourceType']
  readonly sourceId: string | undefined
  /** The schedule it was planned by, and for when. */
  readonly schedule: { readonly id: string; readonly plannedFor: Date } | undefined
  readonly maxRunMinutes: number
  /** The execution whose inputs this one was given, when it is a rerun. */
  readonly rerunOf: string | undefined
  /** Inputs that are not gathered but were given, by their names; undefined for all executions but reruns. */
  readonly givenInputs: Readonly<Record<string, KeptFile>> | undefined
  /** The backfill this is one window of. */
  readonly backfillId: string | undefined
  readonly attempt: number
  readonly queuedAt: Date
  readonly startedAt: Date | undefined
  readonly inputsCompletedAt: Date | undefined
  readonly notebookCompletedAt: Date | undefined
  readonly outputsCompletedAt: Date | undefined
  readonly inputInfo: Readonly<Record<string, KeptFile>>
  readonly outputInfo: Readonly<Record<string, KeptFile>>
  /** How many files there are, in lists, which have only the first of them; undefined where all are in `outputInfo`. */
  readonly outputCount?: number
  readonly errors: readonly ExecutionCause[]
  readonly progress: Progress
  readonly ranOn: RanOn | undefined
  readonly metrics: Metrics | undefined
}

export interface ExecutionRow {
  id: string
  application_id: string
  notebook_id: string
  status: ExecutionStatus
  snapshot: NotebookSnapshot
  relative_to: Date
  template_context: string | null
  source_type: ExecutionLog['sourceType']
  source_id: string | null
  schedule_id: string | null
  planned_for: Date | null
  max_run_minutes: number
  rerun_of: string | null
  /** Left out of lists. */
  given_inputs?: Record<string, KeptFile> | null
  backfill_id: string | null
  attempt: number
  queued_at: Date
  started_at: Date | null
  inputs_completed_at: Date | null
  notebook_completed_at: Date | null
  outputs_completed_at: Date | null
  input_info: Record<string, KeptFile>
  output_info: Record<string, KeptFile>
  /** In lists only. */
  output_count?: number
  errors: ExecutionCause[]
  phase: Progress['phase']
  cell: number
  cells: number
  ran_on: RanOn | null
  /** Left out of lists: a notebook of thousands of cells has as many times. */
  metrics?: Metrics | null
}

export const toExecution = (row: ExecutionRow): Execution => ({
  id: row.id,
  applicationId: row.application_id,
  notebookId: row.notebook_id,
  status: row.status,
  snapshot: row.snapshot,
  relativeTo: row.relative_to,
  templateContext: row.template_context ?? undefined,
  sourceType: row.source_type,
  sourceId: row.source_id ?? undefined,
  schedule: row.schedule_id && row.planned_for ? { id: row.schedule_id, plannedFor: row.planned_for } : undefined,
  maxRunMinutes: row.max_run_minutes,
  rerunOf: row.rerun_of ?? undefined,
  givenInputs: row.given_inputs ?? undefined,
  backfillId: row.backfill_id ?? undefined,
  attempt: row.attempt,
  queuedAt: row.queued_at,
  startedAt: row.started_at ?? undefined,
  inputsCompletedAt: row.inputs_completed_at ?? undefined,
  notebookCompletedAt: row.notebook_completed_at ?? undefined,
  outputsCompletedAt: row.outputs_completed_at ?? undefined,
  inputInfo: row.input_info,
  outputInfo: row.output_info,
  ...(row.output_count === undefined ? {} : { outputCount: row.output_count }),
  errors: row.errors,
  progress: { phase: row.phase, cell: row.cell, cells: row.cells },
  ranOn: row.ran_on ?? undefined,
  metrics: row.metrics ?? undefined,
})

/** Kept as long as the execution: they tell what became of it, and other ways than links lead to them. */
export const RESULT_FILES: readonly string[] = [
  'result.ipynb',
  'result.html',
  'result.pdf',
  'result.log',
  'result.error.log',
]

/** Gives the URL under which a kept file opens without credentials, from when the execution ended or started. */
export type LinkFile = (file: KeptFile, fileName: string, from: Date) => string

/** The log record of the API: maps are there from the beginning, timestamps only once reached. */
export function toLog(execution: Execution, linkFile: LinkFile): ExecutionLog {
  const from = execution.outputsCompletedAt ?? execution.startedAt ?? execution.queuedAt
  const info = (files: Readonly<Record<string, KeptFile>>) =>
    Object.fromEntries(
      Object.entries(files).map(([name, file]) => [
        name,
        {
          size: file.size,
          contentType: file.contentType,
          url: linkFile(file, name.slice(name.lastIndexOf('/') + 1), from),
        },
      ]),
    )
  return {
    id: execution.id,
    notebookExecutionId: execution.id,
    notebookId: execution.notebookId,
    applicationId: execution.applicationId,
    imageVersion: execution.snapshot.imageVersion,
    status: execution.status,
    executionRelativeTo: execution.relativeTo.toISOString(),
    maxAllowedRunMinutes: execution.maxRunMinutes,
    sourceType: execution.sourceType,
    ...(execution.sourceId ? { sourceId: execution.sourceId } : {}),
    runQueuedAt: execution.queuedAt.toISOString(),
    ...reached('runStartedAt', execution.startedAt),
    ...reached('inputsCompletedAt', execution.inputsCompletedAt),
    ...reached('notebookCompletedAt', execution.notebookCompletedAt),
    ...reached('outputsCompletedAt', execution.outputsCompletedAt),
    ...(execution.templateContext === undefined ? {} : { templateContext: execution.templateContext }),
    inputInfo: info(execution.inputInfo),
    outputInfo: info(execution.outputInfo),
    outputCount: execution.outputCount ?? Object.keys(execution.outputInfo).length,
    executionErrors: execution.errors.map(({ name, message }) => ({ name, message })),
  }
}

const reached = <K extends string>(name: K, at: Date | undefined) =>
  (at ? { [name]: at.toISOString() } : {}) as Partial<Record<K, string>> // a computed key loses its literal type
