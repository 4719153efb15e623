/** Structured logs: events with names and fields, one JSON object a line. Secrets that get here are hidden. */

import { type Logger, pino } from 'pino'
import { redactFields } from './redact.ts'

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** A logger that writes to stderr, so that what a command prints for people stays apart. */
export const createLog = (level: string): Logger =>
  pino(
    {
      level,
      base: null,
      formatters: { log: (fields) => redactFields(fields) },
    },
    pino.destination({ fd: 2, sync: true }),
  )
