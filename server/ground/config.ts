/** The settings: read once from the environment, all problems reported together, frozen afterwards. */

import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { InstallationLimits } from '../../contract/limits.ts'
import { type Entry, SETTINGS } from './settings.ts'

/** So many requests in so long. */
export interface Rate {
  readonly limit: number
  readonly windowMs: number
}

export interface Config {
  readonly http: {
    readonly host: string
    readonly port: number
    readonly publicUrl: string | undefined
    readonly bodyBytes: number
    readonly notebookBytes: number
  }
  readonly connections: {
    readonly all: number
    readonly ofAddress: number
    /** Addresses and networks. */
    readonly trustedProxies: readonly string[]
    /** Of one caller. */
    readonly streams: number
  }
  readonly rates: {
    readonly caller: Rate | undefined
    readonly address: Rate | undefined
    readonly link: Rate | undefined
    readonly signIn: Rate | undefined
    readonly store: 'memory' | 'postgres'
  }
  readonly admin: { readonly email: string; readonly password: string | undefined }
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  /** Keys of tokens that are used instead of those in the data folder. */
  readonly givenKeys: { readonly text: string } | { readonly file: string } | undefined
  readonly toolsDir: string
  readonly logLevel: string
  readonly ingest: { readonly maxAgeMs: number | undefined }
  readonly telemetry: {
    readonly retentionMs: number | undefined
    readonly sealAgeMs: number
    readonly sealRows: number
    readonly graceMs: number
  }
  readonly duckdb: { readonly memoryBytes: number; readonly temporaryBytes: number }
  readonly urls: { readonly ttlMs: number }
  /** How long executions are kept after their end. */
  readonly logs: { readonly ageMs: number }
  /** How long deeds are kept. */
  readonly audit: { readonly ageMs: number }
  readonly files: {
    readonly formBytes: number
    readonly directBytes: number
    /** How long an upload form works. */
    readonly formMs: number
  }
  readonly sandbox: { readonly mode: 'on' | 'landlock' | 'off' }
  readonly kernels: { readonly forking: boolean; readonly spares: number }
  readonly role: 'all' | 'api' | 'worker'
  readonly worker: { readonly slots: number; readonly drainMs: number }
  readonly jobs: {
    readonly slots: number
    readonly limitMs: number
    readonly inputExportIntervalMs: number
    readonly rowsExportIntervalMs: number
    readonly logsMs: number
  }
  /** Requests to other people's addresses, and mail. */
  readonly outgoing: {
    readonly allowPrivate: boolean
    readonly maxBytes: number
    readonly timeoutMs: number
    readonly mail: { readonly smtpUrl: string | undefined; readonly from: string }
    readonly mailLimit: { readonly perHour: number; readonly receivers: readonly string[] }
  }
  /** What any execution may take, and any application have, at most. */
  readonly limits: Readonly<InstallationLimits>
}

/** Thrown when settings don't make sense; the message lists every one of them. */
export class ConfigError extends Error {}

type Environment = Record<string, string | undefined>

/**
 * The settings of an environment, defaults filled in. `root` is the folder relative paths start from.
 * @throws ConfigError naming each wrong variable, its value and what was expected
 */
export function readConfig(env: Environment, root: string): Config {
  const problems: string[] = []
  const read = <T>(entry: Entry<T>): T => {
    const text = env[entry.name]?.trim() || entry.default
    try {
      return entry.parse(text)
    } catch {
      problems.push(`${entry.name}=${entry.secret ? '***' : text}: expected ${entry.expects}`)
      return entry.parse(entry.default)
    }
  }
  const S = SETTINGS
  const [tokenKey, tokenKeyFile] = [read(S.tokenKey), read(S.tokenKeyFile)]
  const config: Config = {
    http: {
      host: read(S.host),
      port: read(S.port),
      publicUrl: read(S.publicUrl),
      bodyBytes: read(S.bodyBytes),
      notebookBytes: read(S.notebookBytes),
    },
    connections: {
      all: read(S.connections),
      ofAddress: read(S.addressConnections),
      trustedProxies: read(S.trustedProxies),
      streams: read(S.streams),
    },
    rates: {
      caller: read(S.callerRate),
      address: read(S.addressRate),
      link: read(S.linkRate),
      signIn: read(S.signInRate),
      store: read(S.rateStore),
    },
    admin: { email: read(S.adminEmail), password: read(S.adminPassword) },
    dataDir: resolve(root, read(S.dataDir)),
    databaseUrl: read(S.databaseUrl),
    givenKeys: givenKeys(tokenKey, tokenKeyFile, root),
    toolsDir: join(root, '.fieldbook'),
    logLevel: read(S.logLevel),
    ingest: { maxAgeMs: read(S.ingestMaxAge) },
    telemetry: {
      retentionMs: read(S.retention),
      sealAgeMs: read(S.sealAge),
      sealRows: read(S.sealRows),
      graceMs: read(S.segmentGrace),
    },
    duckdb: { memoryBytes: read(S.duckdbMemory), temporaryBytes: read(S.duckdbDisk) },
    urls: { ttlMs: read(S.urlTtl) },
    logs: { ageMs: read(S.logAge) },
    audit: { ageMs: read(S.auditAge) },
    files: { formBytes: read(S.fileBytes), directBytes: read(S.directFileBytes), formMs: read(S.uploadTtl) },
    sandbox: { mode: read(S.sandbox) },
    kernels: { forking: read(S.forkServer) === 'on', spares: read(S.spares) },
    role: read(S.role),
    worker: { slots: read(S.slots) || availableParallelism(), drainMs: read(S.drain) },
    jobs: {
      slots: read(S.jobSlots),
      limitMs: read(S.jobTime),
      logsMs: read(S.jobLogAge),
      inputExportIntervalMs: read(S.inputExportInterval),
      rowsExportIntervalMs: read(S.rowsExportInterval),
    },
    outgoing: {
      allowPrivate: read(S.allowPrivate) === 'true',
      maxBytes: read(S.fetchSize),
      timeoutMs: read(S.fetchTime),
      mail: { smtpUrl: read(S.smtpUrl), from: read(S.mailFrom) },
      mailLimit: { perHour: read(S.mailsPerHour), receivers: read(S.mailTo) },
    },
    limits: {
      memoryBytes: read(S.runMemory),
      cores: read(S.runCores),
      processes: read(S.runProcesses),
      openFiles: read(S.runOpenFiles),
      outputBytes: read(S.outputSize),
      outputFiles: read(S.outputFiles),
      temporaryBytes: read(S.temporarySize),
      temporaryFiles: read(S.temporaryFiles),
      cellOutputBytes: read(S.cellOutput),
      runOutputBytes: read(S.runOutput),
      cellSeconds: read(S.cellTime),
      runMinutes: read(S.runMinutes),
      silenceSeconds: read(S.silence),
      notebooks: read(S.applicationNotebooks),
      minutesPerMonth: read(S.applicationMinutes),
      parallelExecutions: read(S.applicationParallel),
      queuedExecutions: read(S.applicationQueue),
      notebookBytes: read(S.notebookBytes),
      fileBytes: read(S.fileBytes),
      directFileBytes: read(S.directFileBytes),
      bodyBytes: read(S.bodyBytes),
      total: {
        notebooks: read(S.totalNotebooks),
        minutesPerMonth: read(S.totalMinutes),
        parallelExecutions: read(S.totalParallel),
        queuedExecutions: read(S.totalQueue),
      },
    },
  }
  if (config.role === 'worker' && !config.databaseUrl) {
    problems.push(`${S.role.name}=worker: expected with ${S.databaseUrl.name}, the database that the workers share`)
  }
  if (tokenKey && tokenKeyFile) {
    problems.push(`${S.tokenKeyFile.name}: expected to be empty where ${S.tokenKey.name} is set`)
  }
  if (problems.length > 0) throw new ConfigError(`These settings can't be used:\n  ${problems.join('\n  ')}`)
  return freeze(config)
}

/** The environment of this process: the only place that reads it. */
export const processEnvironment = (): Environment => process.env

function givenKeys(text: string | undefined, file: string | undefined, root: string): Config['givenKeys'] {
  if (text) return { text }
  return file ? { file: resolve(root, file) } : undefined
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (part && typeof part === 'object') freeze(part)
  return Object.freeze(value)
}
