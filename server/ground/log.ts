/** Structured logs: events with names and fields, one JSON object a line. Secrets never get here. */

import { type Logger, pino } from 'pino'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** A logger that writes to stderr, so that what a command prints for people stays apart. */
export const createLog = (level: string): Logger => pino({ level, base: null }, pino.destination({ fd: 2, sync: true }))
