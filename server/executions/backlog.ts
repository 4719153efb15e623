/**
 * The events of one attempt that wait to be written: numbered, joined where that loses nothing, and bounded. A notebook
 * that prints a million lines gives some hundred events; one that shows more than is kept gives a note, and from then on
 * only its phases and cells.
 */

import type { EventData, EventName } from '../../contract/events.ts'

/** What a run tells; `finished` is told by the row. */
export type LiveEvent = {
  [N in Exclude<EventName, 'truncated' | 'finished'>]: { readonly kind: N } & EventData<N>
}[Exclude<EventName, 'truncated' | 'finished'>]

export interface StoredEvent {
  readonly id: number
  readonly kind: EventName
  /** JSON text. */
  readonly data: string
}

export interface BacklogLimits {
  /** Of what is no phase, cell or error. */
  readonly maxEvents: number
  readonly maxBytes: number
  /** Of one display. */
  readonly displayBytes: number
}

/** For one attempt: a page that watches holds as much, and so does the table. */
export const BACKLOG_LIMITS: BacklogLimits = { maxEvents: 10_000, maxBytes: 5_000_000, displayBytes: 256_000 }

/** Ids of an attempt follow those of the one before, whatever their number. */
const IDS_PER_ATTEMPT = 1_000_000

/** The id of the event that tells the end, which no other one can reach. */
export const finalEventId = (attempt: number) => (attempt + 1) * IDS_PER_ATTEMPT - 1

/** Longer texts are told in pieces; shorter ones that follow each other become one. */
const STREAM_CHARACTERS = 16_384

export interface Backlog {
  add(event: LiveEvent): void
  /** Everything that is not yet known to be written, oldest first. From now on nothing is joined to these events. */
  unwritten(): readonly StoredEvent[]
  /** Everything up to this id is in the database. */
  written(lastId: number): void
}

interface Entry {
  readonly id: number
  event: LiveEvent | { readonly kind: 'truncated'; readonly message: string }
  /** Texts of a stream, joined only once: joining at every message would cost its square. */
  readonly texts: string[]
  characters: number
}

/** The events of attempt number `attempt`. */
export function createBacklog(attempt: number, limits: BacklogLimits = BACKLOG_LIMITS): Backlog {
  let settled: StoredEvent[] = []
  let open: Entry[] = []
  let next = attempt * IDS_PER_ATTEMPT
  let [events, bytes] = [0, 0]
  let isTruncated = false

  const push = (event: Entry['event'], text?: string) => {
    const texts = text === undefined ? [] : [text]
    if (next < finalEventId(attempt)) open.push({ id: next++, event, texts, characters: text?.length ?? 0 })
  }
  /** Whether an event that may be left out is kept. */
  const admit = (sizeBytes: number, isNew: boolean): boolean => {
    if (isTruncated) return false
    bytes += sizeBytes
    if (isNew) events += 1
    if (events <= limits.maxEvents && bytes <= limits.maxBytes) return true
    isTruncated = true
    push({ kind: 'truncated', message: 'The rest is not told live; result.ipynb has it' })
    return false
  }
  const addStream = (event: Extract<LiveEvent, { kind: 'stream' }>) => {
    for (let start = 0; start < event.text.length && !isTruncated; start += STREAM_CHARACTERS) {
      const text = event.text.slice(start, start + STREAM_CHARACTERS)
      const last = open.at(-1)
      const joins = last && continues(last, event) && last.characters + text.length <= STREAM_CHARACTERS
      if (!admit(text.length, !joins)) return
      if (!joins) push(event, text)
      else {
        last.texts.push(text)
        last.characters += text.length
      }
    }
  }
  return {
    add: (event) => {
      if (event.kind === 'stream') return addStream(event)
      if (!('data' in event)) {
        if (event.kind !== 'clear' || admit(0, true)) push(event)
        return
      }
      const shown = bounded(event, limits.displayBytes)
      // Of a display that changes a hundred times between two batches, nobody could see more than the last.
      const pending = shown.kind === 'update' ? lastUpdate(open, shown.displayId) : undefined
      const before = pending && 'data' in pending.event ? sizeOf(pending.event) : 0
      if (!admit(sizeOf(shown) - before, !pending)) return
      if (pending) pending.event = shown
      else push(shown)
    },
    unwritten: () => {
      settled.push(...open.map(toStored))
      open = []
      return settled
    },
    written: (lastId) => {
      settled = settled.filter(({ id }) => id > lastId)
    },
  }
}

const continues = ({ event }: Entry, next: Extract<LiveEvent, { kind: 'stream' }>) =>
  event.kind === 'stream' && event.name === next.name && event.cellNumber === next.cellNumber

/** Only the newest events are looked through: a loop over many displays must not cost the square of their number. */
const lastUpdate = (open: readonly Entry[], displayId: string) =>
  open.slice(-8).findLast(({ event }) => event.kind === 'update' && event.displayId === displayId)

type Shown = Extract<LiveEvent, { kind: 'display' | 'update' }>

function bounded(event: Shown, maxBytes: number): Shown {
  const size = sizeOf(event)
  if (size <= maxBytes) return event
  const note = `[A display of ${size} bytes is not told live; result.ipynb has it]`
  return { ...event, data: { 'text/plain': note }, metadata: {} }
}

/** By the lengths of its texts; what is no text is rare, and counted as JSON. */
const sizeOf = ({ data, metadata }: Shown) =>
  [...Object.values(data), ...Object.values(metadata)].reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? value.length : (JSON.stringify(value)?.length ?? 0)),
    0,
  )

function toStored({ id, event, texts }: Entry): StoredEvent {
  const { kind, ...data } = event
  return { id, kind, data: JSON.stringify(kind === 'stream' ? { ...data, text: texts.join('') } : data) }
}
