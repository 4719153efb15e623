/** How an operation is called: by curl, and by Losant's client for JavaScript. Pure text, from the examples of the document. */

import { recordOf } from '../../../contract/openapi/schemas.ts'

export interface Call {
  readonly method: string
  /** With its `{placeholders}`. */
  readonly path: string
  readonly operation: Readonly<Record<string, unknown>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly value: unknown
  readonly isJson: boolean
}

const FILE = 'example.bin'

/** Parameters that are sent: those of the path, and of the query what is required or was found worth an example. */
function sent({ operation }: Call): Parameter[] {
  const parameters = Array.isArray(operation['parameters']) ? operation['parameters'].map(recordOf) : []
  return parameters.flatMap(({ name, in: place, required, example, content }) => {
    const json = recordOf(recordOf(content)['application/json'])
    const value = example ?? json['example']
    if (required !== true) return []
    return [{ name: String(name), in: String(place), required, value, isJson: content !== undefined }]
  })
}

interface Body {
  /** What the original calls it. */
  readonly name: string
  readonly value: unknown
  readonly isFile: boolean
}

function bodyOf({ operation }: Call): Body | undefined {
  const body = recordOf(operation['requestBody'])
  const content = recordOf(body['content'])
  const form = content['multipart/form-data']
  if (form) {
    const [part = 'file'] = Object.keys(recordOf(recordOf(recordOf(form)['schema'])['properties']))
    return { name: part, value: undefined, isFile: true }
  }
  const json = content['application/json']
  return json ? { name: String(body['x-name'] ?? 'body'), value: recordOf(json)['example'], isFile: false } : undefined
}

function target(call: Call): string {
  const parameters = sent(call)
  const path = parameters
    .filter((one) => one.in === 'path')
    .reduce((text, { name, value }) => text.replace(`{${name}}`, encodeURIComponent(String(value ?? name))), call.path)
  const query = new URLSearchParams()
  for (const { name, value, isJson } of parameters.filter((one) => one.in === 'query'))
    query.append(name, isJson ? JSON.stringify(value) : String(value ?? ''))
  return query.size > 0 ? `${path}?${query}` : path
}

const needsToken = ({ operation }: Call) => Array.isArray(operation['security']) && operation['security'].length > 0

/** A command for a shell in which FIELDBOOK is the address and TOKEN a token. */
export function curlSample(call: Call): string {
  const body = bodyOf(call)
  const lines = [
    `curl${call.method === 'GET' ? '' : ` -X ${call.method}`} "$FIELDBOOK${target(call)}"`,
    ...(needsToken(call) ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...(body?.isFile ? [`-F '${body.name}=@${FILE}'`] : []),
    ...(body && !body.isFile
      ? ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(body.value, null, 2)?.replaceAll("'", "'\\''")}'`]
      : []),
  ]
  return lines.join(' \\\n  ')
}

/** A call of `losant-rest`; operations that only we have go through its general request. */
export function clientSample(call: Call): string {
  const body = bodyOf(call)
  if (call.operation['x-own'] === true) {
    const request = {
      method: call.method,
      url: target(call),
      ...(body && !body.isFile ? { data: body.value } : {}),
    }
    return `const answer = await client.request(${literal(request)})`
  }
  const entries = [
    ...sent(call).map(({ name, value }) => `${name}: ${literal(value ?? name)}`),
    ...(body ? [`${body.name}: ${body.isFile ? `createReadStream('${FILE}')` : literal(body.value)}`] : []),
  ]
  const given = entries.length > 0 ? `{\n${entries.join(',\n').replace(/^/gm, '  ')},\n}` : '{}'
  return `const answer = await client.${String(call.operation['x-operation'] ?? call.operation['operationId'])}(${given})`
}

/** A value as JavaScript is written: names without quotes, text in single ones. */
function literal(value: unknown): string {
  return (JSON.stringify(value, null, 2) ?? 'undefined')
    .replace(/^(\s*)"([A-Za-z_$][\w$]*)": /gm, '$1$2: ')
    .replace(/"((?:[^"\\]|\\.)*)"/g, (_, text: string) => `'${text.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`)
}
