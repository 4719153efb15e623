/** What is done to the cluster while it works, and how what was taken down comes back. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { Cluster, Member } from './cluster.ts'
import { descendantsOf, listProcesses, type Process, signal } from './processes.ts'

export interface Fault {
  readonly name: string
  readonly weight: number
  /** Resolves when the fault is over; false when there was nothing to hit. @throws when it broke a promise of ours */
  readonly inject: (cluster: Cluster, chance: Chance) => Promise<boolean>
}

/** A stop this long is past the lease of 15 s, so the worker wakes to find its runs with somebody else. */
const PAST_LEASE_MS = 19_000

/** The faults of a soak; the longer ones only where there is time for them. */
export const faultsFor = (minutes: number): Fault[] => [
  { name: 'worker killed', weight: 4, inject: withWorker((worker, chance) => restart(worker, 'SIGKILL', chance)) },
  {
    name: 'worker told to stop',
    weight: 2,
    inject: withWorker((worker, chance) => restart(worker, 'SIGTERM', chance)),
  },
  {
    name: 'worker stopped briefly',
    weight: 2,
    inject: withWorker((worker, chance) => freeze(worker, chance.between(200, 3000))),
  },
  ...(minutes < 2
    ? []
    : [
        {
          name: 'worker stopped past its lease',
          weight: 1,
          inject: withWorker((worker) => freeze(worker, PAST_LEASE_MS)),
        },
      ]),
  { name: 'fork server killed', weight: 2, inject: withWorker(async (worker) => killOne(forkServersOf(worker))) },
  {
    name: 'kernel or spare killed',
    weight: 3,
    inject: withWorker(async (worker, chance) => killOne(kernelsOf(worker), chance)),
  },
  { name: 'database killed', weight: 2, inject: async (cluster) => killOne(await databaseOf(cluster)) },
  {
    name: 'database session killed',
    weight: 1,
    inject: async (cluster, chance) => killOne(await sessionsOf(cluster), chance),
  },
  { name: 'door killed', weight: 1, inject: (cluster, chance) => restart(cluster.door, 'SIGKILL', chance) },
  { name: 'door told to stop', weight: 1, inject: (cluster, chance) => restart(cluster.door, 'SIGTERM', chance) },
]

const withWorker =
  (hit: (worker: Member, chance: Chance) => Promise<boolean>) =>
  async ({ workers }: Cluster, chance: Chance): Promise<boolean> => {
    const worker = chance.one(workers)
    return worker !== undefined && hit(worker, chance)
  }

async function restart(member: Member, how: 'SIGTERM' | 'SIGKILL', chance: Chance): Promise<boolean> {
  const awayMs = chance.between(0, 2000)
  const ended = await member.end(how)
  if (how === 'SIGTERM' && ended !== 0) throw new Error(`${member.name} was told to stop and ended with ${ended}`)
  await pause(awayMs)
  await member.start()
  return true
}

async function freeze({ pid }: Member, ms: number): Promise<boolean> {
  if (!signal(pid, 'SIGSTOP')) return false
  await pause(ms)
  return signal(pid, 'SIGCONT')
}

async function killOne(candidates: readonly Process[], chance?: Chance): Promise<boolean> {
  const victim = chance ? chance.one(candidates) : candidates[0]
  return victim !== undefined && signal(victim.pid, 'SIGKILL')
}

const isForkServer = ({ command }: Process) => command.includes('fork_server.py')

/** The nearest to the worker; what it forked has the same command. */
const forkServersOf = ({ pid }: Member) => descendantsOf(pid).filter(isForkServer)

/** Whatever has nothing below it and was forked, or runs the start of a cold kernel. */
function kernelsOf({ pid }: Member): Process[] {
  const all = listProcesses()
  const [server] = descendantsOf(pid, all).filter(isForkServer)
  return descendantsOf(pid, all).filter(
    (process) =>
      (process.command.includes('kernel.py') || (isForkServer(process) && process.pid !== server?.pid)) &&
      descendantsOf(process.pid, all).length === 0,
  )
}

async function databaseOf(cluster: Cluster): Promise<Process[]> {
  const pid = await cluster.databasePid()
  return listProcesses().filter((process) => process.pid === pid)
}

/** A killed session makes the server end all of them and start over, with the same first process. */
async function sessionsOf(cluster: Cluster): Promise<Process[]> {
  const pid = await cluster.databasePid()
  return listProcesses().filter(({ parent, command }) => parent === pid && /postgres: fieldbook/.test(command))
}
