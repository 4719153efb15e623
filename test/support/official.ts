/**
 * The official client from npm, pointed at our service. Every answer is checked against the schema that this very
 * client carries for the operation, so that a journey fails when a program written against the original would trip.
 */

import { createRequire } from 'node:module'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { noteSecrets } from './secrets.ts'

const require = createRequire(import.meta.url)

/** The schema that the client documents for each operation the journeys use. */
const REPLIES = {
  'auth.authenticateUser': 'authedUser',
  'auth.authenticateDevice': 'authedDevice',
  'applicationApiTokens.post': 'apiToken',
  'applicationApiTokens.get': 'apiTokens',
  'applicationApiToken.get': 'apiToken',
  'applicationApiToken.patch': 'apiToken',
  'applicationApiToken.delete': 'success',
  'userApiTokens.post': 'apiToken',
  'userApiTokens.get': 'apiTokens',
  'userApiToken.get': 'apiToken',
  'userApiToken.patch': 'apiToken',
  'userApiToken.delete': 'success',
  'applicationKeys.post': 'applicationKeyPostResponse',
  'applicationKeys.get': 'applicationKeys',
  'applicationKey.get': 'applicationKey',
  'applicationKey.patch': 'applicationKey',
  'applicationKey.delete': 'success',
  'auth.authenticateUserGithub': 'authedUser',
  'me.get': 'me',
  'me.patch': 'me',
  'me.changePassword': 'authedUser',
  'me.enableTwoFactorAuth': 'me',
  'me.disableTwoFactorAuth': 'me',
  'me.delete': 'success',
  'me.refreshToken': 'authedUser',
  'applications.post': 'application',
  'applications.get': 'applications',
  'application.get': 'application',
  'application.patch': 'application',
  'application.delete': 'success',
  'application.globals': 'application',
  'application.readme': 'applicationReadme',
  'application.readmePatch': 'applicationReadme',
  'application.search': 'applicationSearchResult',
  'devices.post': 'device',
  'devices.get': 'devices',
  'devices.patch': 'devicesUpdated',
  'devices.delete': 'bulkDeleteResponse',
  'devices.export': 'jobEnqueuedResult',
  'devices.attributeNames': 'attributeNamesResponse',
  'devices.tagKeys': 'tagKeysResponse',
  'devices.tagValues': 'tagValuesResponse',
  'device.get': 'device',
  'device.patch': 'device',
  'device.delete': 'success',
  'device.sendState': 'success',
  'device.getState': 'deviceStates',
  'device.getCompositeState': 'compositeDeviceState',
  'data.timeSeriesQuery': 'timeSeriesData',
  'data.lastValueQuery': 'lastValueData',
  'data.export': 'jobEnqueuedResult',
  'device.export': 'jobEnqueuedResult',
  'device.removeData': 'jobEnqueuedResult',
  'devices.removeData': 'jobEnqueuedResult',
  'device.setConnectionStatus': 'success',
  'device.getLogEntries': 'deviceLog',
  'dataTables.post': 'dataTable',
  'dataTables.get': 'dataTables',
  'dataTable.get': 'dataTable',
  'dataTable.patch': 'dataTable',
  'dataTable.delete': 'success',
  'dataTable.addColumn': 'dataTable',
  'dataTable.removeColumn': 'dataTable',
  'dataTableRows.get': 'dataTableRows',
  'dataTableRows.post': 'dataTableRowInsertResult',
  'dataTableRows.query': 'dataTableRows',
  'dataTableRows.delete': 'dataTableRowsDelete',
  'dataTableRows.truncate': 'success',
  'dataTableRows.export': 'jobEnqueuedResult',
  'dataTableRow.get': 'dataTableRow',
  'dataTableRow.patch': 'dataTableRow',
  'dataTableRow.delete': 'success',
  'files.get': 'files',
  'files.post': 'fileUploadPostResponse',
  'file.get': 'file',
  'file.patch': 'fileUploadPostResponse',
  'file.upload': 'file',
  'file.move': 'file',
  'file.delete': 'success',
  'events.post': 'event',
  'events.get': 'events',
  'events.patch': 'success',
  'events.delete': 'eventsDeleted',
  'events.export': 'jobEnqueuedResult',
  'event.get': 'event',
  'event.patch': 'event',
  'event.delete': 'success',
  'notebooks.post': 'notebook',
  'notebooks.get': 'notebooks',
  'notebook.get': 'notebook',
  'notebook.patch': 'notebook',
  'notebook.delete': 'success',
  'notebook.upload': 'notebook',
  'notebook.execute': 'success',
  'notebook.logs': 'notebookExecutionLogs',
  'notebook.requestInputDataExport': 'jobEnqueuedResult',
} as const

export type Operation = keyof typeof REPLIES

export interface Official {
  /** Calls an operation; the answer has been checked, `T` only gives it a type. */
  call<T = unknown>(operation: Operation, params: object): Promise<T>
  /** Calls an operation that the client documents no shape of an answer for. */
  bare<T = unknown>(operation: string, params: object): Promise<T>
  /** Reads what this version of the client has no operation for, by the request that all of its operations are made of. */
  read<T = unknown>(path: string, query?: object): Promise<T>
}

/** The error the client throws when the API refuses. */
export interface Refusal {
  readonly statusCode: number
  readonly type: string
  readonly message: string
}

/** Signs in through the client and gives it with the token. */
export async function signInOfficially(url: string, email: string, password: string): Promise<Official> {
  const anonymous = officialClient(url)
  const { token } = await anonymous.call<{ token: string }>('auth.authenticateUser', {
    credentials: { email, password },
  })
  return officialClient(url, token)
}

/** The client with a token, or without. */
export function officialClient(url: string, accessToken?: string): Official {
  const client = require('losant-rest').createClient({ url, ...(accessToken ? { accessToken } : {}) })
  const ask = (operation: string, params: object) => {
    const [resource, action] = operation.split('.')
    return client[resource ?? ''][action ?? ''](params)
  }
  return {
    bare: ask,
    async call<T>(operation: Operation, params: object): Promise<T> {
      const answer: T = await ask(operation, params)
      noteSecrets(params)
      noteSecrets(answer)
      const validate = schemaOf(REPLIES[operation])
      if (!validate(answer)) {
        throw new Error(
          `${operation} answered what the client's schema ${REPLIES[operation]} does not allow: ${ajv.errorsText(validate.errors)}`,
        )
      }
      return answer
    },
    read: (path, query = {}) => client.request({ method: 'GET', url: path, params: query }),
  }
}

/** The name of every operation the client has. */
export function officialOperations(): string[] {
  const resources: [string, unknown][] = Object.entries(require('losant-rest').createClient({}))
  return resources.flatMap(([resource, actions]) =>
    Object.entries(Object(actions))
      .filter(([, call]) => typeof call === 'function')
      .map(([action]) => `${resource}.${action}`),
  )
}

/** Gives the refusal of a call; a call that goes through is a fault of the test. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && 'type' in error) {
      return { statusCode: Number(error.statusCode), type: String(error.type), message: error.message }
    }
    throw error
  }
  throw new Error('the call went through')
}

const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false })
addFormats.default(ajv)
const compiled = new Map<string, ValidateFunction>()

function schemaOf(name: string): ValidateFunction {
  const known = compiled.get(name)
  if (known) return known
  const { $schema: _, ...schema } = require(`losant-rest/lib/schemas/${name}.json`)
  const validate = ajv.compile(widen(schema))
  compiled.set(name, validate)
  return validate
}

/**
 * Words that the published API got after this client was made (its version is 1.20, the API's 1.30): newer images,
 * cancellation, outputs to a temporary URL, and inputs from application files.
 */
const LATER_WORDS: Record<string, string[]> = { v2: ['v3', 'v4'], timeout: ['canceling', 'canceled'] }
const TEMPORARY_URL = {
  type: 'object',
  properties: { outputType: { enum: ['temporaryUrl'] }, fileName: { type: 'string' } },
  required: ['outputType', 'fileName'],
  additionalProperties: false,
}

const APPLICATION_FILE = {
  type: 'object',
  properties: {
    inputType: { enum: ['applicationFile'] },
    fileName: { type: 'string' },
    filePath: { type: 'string' },
    private: { type: 'boolean' },
  },
  required: ['inputType', 'fileName', 'filePath'],
  additionalProperties: false,
}

/** And properties: an object that has all of the first may have the others as well. */
const LATER_PROPERTIES: [has: string[], later: object][] = [
  // Inputs: devices and events as JSON.
  [['inputType', 'queryJson'], { format: { enum: ['csv', 'json'] } }],
  // Time series: what order and limit were asked for, no resolution of raw states, tags of the devices.
  [
    ['start', 'end', 'resolution', 'aggregation', 'devices'],
    {
      resolution: { type: ['number', 'null'] },
      limit: { type: ['number', 'null'] },
      order: { enum: ['asc', 'desc'] },
    },
  ],
  [
    ['name', 'points'],
    { tags: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } } },
  ],
]

/** Faults of this version's schemas that the published API has mended: a type that is none, and a row that is also a list. */
function mend(key: string, value: { properties?: object }): object | string | undefined {
  if (key === 'type' && String(value) === 'Number') return 'number'
  const isInserted = value?.properties && Object.hasOwn(value.properties, 'rowIds')
  return isInserted ? { ...value, additionalProperties: false } : undefined
}

function widen(schema: unknown): object {
  const copy = JSON.parse(JSON.stringify(schema), (key, value) => {
    const mended = mend(key, value)
    if (mended !== undefined) return mended
    if (key === 'enum') return [...value, ...value.flatMap((word: string) => LATER_WORDS[word] ?? [])]
    if (key === 'properties') {
      const later = LATER_PROPERTIES.filter(([has]) => has.every((name) => Object.hasOwn(value, name)))
      return Object.assign({}, value, ...later.map(([, properties]) => properties))
    }
    const isUnionOf = (name: string) =>
      key === 'oneOf' && value.some(({ properties }: { properties?: object }) => properties && name in properties)
    if (isUnionOf('outputType')) return [...value, TEMPORARY_URL]
    return isUnionOf('inputType') ? [...value, APPLICATION_FILE] : value
  })
  return copy
}
