/**
 * The control channel of a fork server: one JSON object a line, both ways. What comes back is read as strictly as anything
 * from outside, although no notebook can reach this channel.
 */

import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** What a fork server is told; the shapes are in `runner/forks/server.py`. */
export type Order =
  | { readonly op: 'spawn'; readonly id: string; readonly [field: string]: unknown }
  | { readonly op: 'signal'; readonly id: string; readonly signal: number }
  | { readonly op: 'kill' | 'forget'; readonly id: string }

export interface Up {
  readonly ev: 'up'
  /** As this process sees it; through its `/proc` entry the folders of its children can be read. */
  readonly rootPid: number
  readonly python: string
  readonly ipykernel: string
  readonly preloadMs: number
  readonly skipped: readonly unknown[]
}

export interface Exit {
  readonly ev: 'exit'
  readonly id: string
  /** As wait(2) gives it: the signal in the low 7 bits, the exit code in the next 8. */
  readonly status: number
  readonly utime: number
  readonly stime: number
  readonly maxrssBytes: number
}

export type Event =
  | Up
  | Exit
  | { readonly ev: 'failed'; readonly why: string }
  | { readonly ev: 'spawned'; readonly id: string }
  | { readonly ev: 'unspawned'; readonly id: string; readonly why: string }

/** Longer lines than any event has mean that something else is talking. */
const MAX_LINE = 1 << 20

/** Calls `take` for each event that arrives, in order; `garbled` once when a line is none. */
export function readEvents(channel: Duplex, take: (event: Event) => void, garbled: (why: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let text = ''
  channel.on('data', (piece: Buffer) => {
    text += decoder.write(piece)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    if (text.length > MAX_LINE) return garbled('a line without end')
    for (const line of lines) {
      const event = parseEvent(line)
      if (!event) return garbled(`"${line.slice(0, 200)}"`)
      take(event)
    }
  })
}

/** Pure; undefined for what is no event. */
export function parseEvent(line: string): Event | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Record<string, unknown> // parsed JSON: any object has string keys and unknown values
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '')
  const number = (name: string) => (typeof fields[name] === 'number' ? fields[name] : 0)
  const id = text('id')
  switch (fields['ev']) {
    case 'up':
      return {
        ev: 'up',
        rootPid: number('rootPid'),
        python: text('python'),
        ipykernel: text('ipykernel'),
        preloadMs: number('preloadMs'),
        skipped: Array.isArray(fields['skipped']) ? fields['skipped'] : [],
      }
    case 'failed':
      return { ev: 'failed', why: text('why') }
    case 'spawned':
      return { ev: 'spawned', id }
    case 'unspawned':
      return { ev: 'unspawned', id, why: text('why') }
    case 'exit':
      return {
        ev: 'exit',
        id,
        status: number('status'),
        utime: number('utime'),
        stime: number('stime'),
        maxrssBytes: number('maxrssBytes'),
      }
    default:
      return undefined
  }
}
