/** How many streams of events a caller has open at the same time: each is a connection, and asks the database as long as it lives. */

import type { FastifyReply } from 'fastify'
import { limited } from '../ground/errors.ts'

/** Seconds; a stream ends when somebody ends it, which nobody knows. */
const RETRY_SECONDS = 10

export interface Streams {
  /** Takes a place until the answer is over. @throws limited when there is none */
  enter(who: string, reply: FastifyReply): void
}

/** Places for so many streams of each. */
export function createStreams(most: number): Streams {
  const open = new Map<string, number>()
  return {
    enter: (who, reply) => {
      const count = open.get(who) ?? 0
      if (count >= most) {
        throw limited(
          `There are ${count} streams of events open with this token, as many as are allowed (FIELDBOOK_STREAMS)`,
          { name: 'streams', of: 'installation', allowed: most, used: count },
          RETRY_SECONDS,
        )
      }
      open.set(who, count + 1)
      reply.raw.once('close', () => {
        const left = (open.get(who) ?? 1) - 1
        if (left === 0) open.delete(who)
        else open.set(who, left)
      })
    },
  }
}
