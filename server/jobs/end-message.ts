/** What is told of a job's end: a mail for people, JSON for programs. */

import { type Letter, mailOf } from './letter.ts'
import type { JobRow } from './store.ts'
import type { Message } from './telling.ts'
import { ticketOf } from './ticket.ts'

/** The message of an ended job; undefined when nobody asked to be told. `links` are to what it made, for `linkDays`. */
export function endMessage(row: JobRow, links: readonly string[], linkDays: number): Message | undefined {
  const email = textOf(row.input['email'])
  const callbackUrl = textOf(row.input['callbackUrl'])
  if (!email && !callbackUrl) return undefined
  return {
    applicationId: row.application_id,
    about: { type: 'job', id: row.id },
    mail: email ? { to: email, ...mailOf(letterOf(row, links, linkDays)) } : undefined,
    callback: callbackUrl ? { url: callbackUrl, body: callbackOf(row, links) } : undefined,
  }
}

function callbackOf(row: JobRow, links: readonly string[]): object {
  const [downloadUrl] = links
  return {
    ...(downloadUrl === undefined ? {} : { downloadUrl }),
    downloadUrls: links,
    // As the request was answered with; the id of the log is the other spelling of the same.
    jobId: ticketOf(row.id),
    jobExecutionId: row.id,
    applicationId: row.application_id,
    ...(row.resource_type === 'notebook' && row.resource_id !== null ? { notebookId: row.resource_id } : {}),
    name: row.name,
    resourceType: row.resource_type,
    ...(row.resource_id === null ? {} : { resourceId: row.resource_id }),
    status: row.status,
    success: row.status === 'completed',
    ...(row.error === null ? {} : { error: row.error }),
    output: row.output,
  }
}

function letterOf(row: JobRow, links: readonly string[], linkDays: number): Letter {
  const isDone = row.status === 'completed'
  return {
    subject: `${row.name}: ${isDone ? 'done' : 'failed'}`,
    title: `"${row.name}" ${isDone ? 'is done.' : 'did not succeed.'}`,
    isGood: isDone,
    paragraphs: isDone || !row.error ? [] : [`${row.error.name}: ${row.error.message}`],
    links: {
      intro: `Its files can be downloaded for ${linkDays} days:`,
      items: links.map((url, index) => ({ name: row.files[index]?.name ?? `file ${index + 1}`, url })),
    },
    facts: [
      ...(isDone ? Object.entries(row.output).map(([name, value]) => [name, JSON.stringify(value)] as const) : []),
      ['Job', ticketOf(row.id)],
      ['Application', row.application_id],
    ],
  }
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
