/** The ways into a sandbox that this machine can be asked for: as root, as an ordinary user, without namespaces. */
import { existsSync } from 'node:fs'
import { type ForkServerOptions, SYSTEM_PYTHON } from './fork-server.ts'

export interface Way {
  readonly name: string
  readonly options: ForkServerOptions
  readonly ownUid: boolean
}

const isRoot = process.getuid?.() === 0
/** An id that belongs to nobody here; root becomes it to stand for an ordinary user. */
const SOMEBODY = 61_999
// The image may lie where only root can go; then somebody else, or a run without mounts, needs a Python that is not there.
const anybodyHasPython = existsSync(SYSTEM_PYTHON)

/** Levels 3 and 2. */
export const NAMESPACED: readonly Way[] = isRoot
  ? [
      { name: 'as root', options: {}, ownUid: true },
      ...(anybodyHasPython ? [{ name: 'as an ordinary user', options: { asUser: SOMEBODY }, ownUid: false }] : []),
    ]
  : [{ name: 'as an ordinary user', options: {}, ownUid: false }]

/** Level 1. */
export const LANDLOCKED: readonly Way[] = !isRoot
  ? [{ name: 'as an ordinary user', options: { level: 1 }, ownUid: false }]
  : anybodyHasPython
    ? [
        { name: 'as root', options: { level: 1 }, ownUid: true },
        { name: 'as an ordinary user', options: { level: 1, asUser: SOMEBODY }, ownUid: false },
      ]
    : []
