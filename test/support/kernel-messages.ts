/** Messages of a kernel made by hand, and cells for them, for the rules about outputs. */
import type { CodeCell } from '../../server/kernel/notebook.ts'
import type { Content, Message } from '../../server/kernel/wire.ts'

/** An empty code cell that has been given a number. */
export const makeCell = (executionCount = 7): CodeCell => ({
  cell_type: 'code',
  id: 'c',
  metadata: {},
  source: '',
  execution_count: executionCount,
  outputs: [],
})

/** A message with this content, measured as one that came over a wire. */
export function message(type: string, content: Content): Message {
  const header = { msg_id: 'm', msg_type: type, session: 's', username: 'u', date: '', version: '5.3' }
  const sizeBytes = Buffer.byteLength(JSON.stringify(content))
  return { header, parentId: 'p', metadata: {}, content, buffers: [], sizeBytes }
}

export const print = (text: string, name = 'stdout') => message('stream', { name, text })

export const display = (text: string, id?: string, type = 'display_data') =>
  message(type, { data: { 'text/plain': text }, metadata: {}, transient: id === undefined ? {} : { display_id: id } })
