/** The whole of this room, opened over a database: who asks for jobs and tells of things, and who does and delivers them. */

import type { Log } from '../ground/log.ts'
import { createMailer, type MailOptions } from '../outgoing/mail.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database } from '../stores/postgres/database.ts'
import { openDeliverer } from './deliver.ts'
import { endMessage } from './end-message.ts'
import { type LinkFile, linksOf } from './files.ts'
import { createJobs } from './jobs.ts'
import type { Attendance } from './lost.ts'
import type { MailLimit } from './mail-limit.ts'
import { openQueue, type Queue } from './queue.ts'
import { createReplay, type Replay } from './replay.ts'
import { createTell, type Tell } from './telling.ts'
import { type Chores, openTidying } from './tidy.ts'
import type { Jobs, JobWork } from './work.ts'
import { type JobWorker, openJobWorker } from './worker.ts'

export interface JobsRoomParts {
  readonly db: Database
  readonly log: Log
  /** What links start with when nobody said where the service was reached. */
  readonly baseUrl: string
  readonly mailLimit: MailLimit
}

/** Both sides of the queue for every process of the service. */
export interface JobsRoom extends AsyncDisposable {
  readonly jobs: Jobs
  readonly tell: Tell
  readonly replay: Replay
  readonly queue: Queue
}

/** Opens what every process needs: it asks, and others may do. */
export async function openJobsRoom(
  { db, log, baseUrl, mailLimit }: JobsRoomParts,
  supervise: boolean,
): Promise<JobsRoom> {
  const queue = await openQueue(db, { supervise, log })
  return {
    queue,
    jobs: createJobs(queue, baseUrl),
    tell: createTell({ queue, mailLimit, log }),
    replay: createReplay(db, queue, mailLimit),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}

export interface WorkingParts {
  readonly db: Database
  readonly blobs: Blobs
  readonly log: Log
  readonly room: JobsRoom
  readonly work: Readonly<Record<string, JobWork>>
  readonly attendance: Attendance
  readonly linkFile: LinkFile
  /** As deliver.ts has it. */
  readonly secretsOf: (applicationId: string) => Promise<readonly string[]>
  /** What is to be done once a day. */
  readonly chores: Chores
}

export interface WorkingOptions {
  readonly slots: number
  readonly limitMs: number
  readonly linksMs: number
  readonly allowPrivate: boolean
  readonly mail: MailOptions
}

const DAY_MS = 86_400_000

/** Opens what a worker does: jobs, deliveries, and the daily pass. */
export async function openWorking(parts: WorkingParts, options: WorkingOptions): Promise<JobWorker> {
  const { db, log, linkFile } = parts
  const { queue, tell } = parts.room
  await using opening = new AsyncDisposableStack()
  const mailer = createMailer(options.mail)
  if (mailer) opening.use(mailer)
  const { secretsOf } = parts
  const { allowPrivate, linksMs } = options
  opening.use(await openDeliverer({ db, queue, log, mailer, secretsOf, allowPrivate }))
  opening.use(await openTidying({ db, queue, log, chores: parts.chores }))
  const worker = opening.use(
    await openJobWorker(
      {
        ...parts,
        queue,
        limitMs: options.limitMs,
        tell: async (tx, row) => {
          const links = linksOf(row, row.base_url, linkFile)
          const message = endMessage(row, links, Math.floor(linksMs / DAY_MS))
          if (message) await tell(tx, message)
        },
      },
      { slots: options.slots },
    ),
  )
  const open = opening.move()
  return {
    get running() {
      return worker.running
    },
    drain: worker.drain,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}
