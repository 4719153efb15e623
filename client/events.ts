/** Watching an execution from outside: the event stream of the service, read as it comes, and taken up again where it broke off. */

import { EVENTS, type EventData, type EventName, watchExecution } from '../contract/events.ts'
import type { ParamsOf } from '../contract/route.ts'
import { ApiFailure, type Client } from './client.ts'

export type WatchedEvent = {
  [N in EventName]: { readonly id: string; readonly name: N; readonly data: EventData<N> }
}[EventName]

export interface WatchOptions {
  /** The id of the event that was seen last; without one the stream begins at the beginning. */
  readonly lastEventId?: string
  readonly signal?: AbortSignal
}

/** The events of one connection, until the execution has ended or the connection has. @throws ApiFailure when it is refused */
export async function* watchEvents(
  client: Client,
  params: ParamsOf<typeof watchExecution>,
  { lastEventId, signal }: WatchOptions = {},
): AsyncGenerator<WatchedEvent, void> {
  const path = watchExecution.path.replace(/:(\w+)/g, (_, name: keyof typeof params) => params[name])
  const response = await fetch(client.url + path, {
    headers: {
      accept: 'text/event-stream',
      ...(client.token ? { authorization: `Bearer ${client.token}` } : {}),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    ...(signal ? { signal } : {}),
  })
  if (!response.ok) {
    const { type, message } = JSON.parse(await response.text())
    throw new ApiFailure(response.status, type, message)
  }
  if (response.status === 204 || !response.body) return
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = eventOf(block)
      if (event) yield event
    }
  }
}

/** One block of lines (HTML standard, 9.2.6), as our service writes them: a field a line, one line of data. */
function eventOf(block: string): WatchedEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  const [name, data] = [fields.get('event'), fields.get('data')]
  // What a later version tells is not ours to understand; a comment has no name.
  if (name === undefined || data === undefined || !(name in EVENTS)) return undefined
  // The contract says which data a name has.
  return { id: fields.get('id') ?? '', name, data: JSON.parse(data) } as WatchedEvent
}
