/** What a pass of the daily cleaning is told, and what it tells: how much it took away, or would. */

export interface Pass {
  readonly now: Date
  readonly signal: AbortSignal
  /** Only says what would go. */
  readonly isDryRun: boolean
}

export interface Swept {
  readonly count: number
  /** Of files; rows of the database are not weighed. */
  readonly bytes: number
}

/** Gives how much there was to do; broken off, it is done again the next day. */
export type Chore = (pass: Pass) => Promise<Swept>

export const NOTHING: Swept = { count: 0, bytes: 0 }

export const sum = (parts: readonly Swept[]): Swept =>
  parts.reduce((all, { count, bytes }) => ({ count: all.count + count, bytes: all.bytes + bytes }), NOTHING)

/** The moment `ageMs` before the pass. */
export const before = ({ now }: Pass, ageMs: number): Date => new Date(now.getTime() - ageMs)
