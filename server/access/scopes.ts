/** What a token may do: scopes in the original's vocabulary (behaviour dossier §7.3). */

/** What a person's token may do when nothing else was asked for. */
export const DEFAULT_SCOPE = ['all.User']

const EVERYTHING = new Set(
  ['User', 'Organization', 'Application'].flatMap((what) => [`all.${what}`, `all.${what}.bounded`]),
)
const READING = new Set(['User', 'Organization', 'Application'].map((what) => `all.${what}.read`))

/** Operations that share the scope of another one. */
const SCOPE_OF: Record<string, string> = { 'notebook.cancelExecution': 'notebook.execute' }

/** Operations that change nothing although they are asked for by POST. */
const ALSO_READING = new Set([
  'notebook.requestInputDataExport',
  'devices.export',
  'device.export',
  'data.export',
  'data.lastValueQuery',
  'data.timeSeriesQuery',
  'dataTableRows.export',
  'dataTableRows.query',
  'events.export',
])

/** Asked for by GET, and more than reading: who knows it can sign in the name of the application. */
const SECRETS = new Set(['callbackSecret.get'])

/** Whether a scope allows an operation such as `notebook.get`; `reads` tells that it changes nothing. */
export function allows(scope: readonly string[], operation: string, reads: boolean): boolean {
  const action = SCOPE_OF[operation] ?? operation
  const resource = `${action.split('.')[0]}.*`
  return scope.some(
    (word) =>
      EVERYTHING.has(word) ||
      ((reads || ALSO_READING.has(action)) && READING.has(word) && !SECRETS.has(action)) ||
      word === resource ||
      word === action,
  )
}
