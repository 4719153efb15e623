/** One operation as a section of the reference. */

import { recordOf } from '../../../contract/openapi/schemas.ts'
import { type Html, html, inline, prose } from './html.ts'
import { type Call, clientSample, curlSample } from './samples.ts'
import { constraints, schemaTable, typeOf } from './schema.ts'

/** Looks a `$ref` up. */
export type Resolve = (node: unknown) => Readonly<Record<string, unknown>>

export function operationSection(call: Call, resolve: Resolve): Html {
  const { operation, method, path } = call
  const id = String(operation['operationId'])
  const scopes = Array.isArray(operation['x-scopes']) ? operation['x-scopes'].map(String) : []
  return html`<section class="operation" id="${id}">
<h3><span class="method ${method.toLowerCase()}">${method}</span> <a href="#${id}">${String(operation['summary'])}</a></h3>
<p class="path"><code>${path.split(/(\{\w+\})/).map((part) => (part.startsWith('{') ? html`<i>${part}</i>` : part))}</code> <span class="id">${id}</span></p>
${prose(moreOf(operation))}
${
  scopes.length > 0
    ? html`<details class="scopes"><summary>${scopes.length} scopes, any of which is enough</summary><p>${scopes.map((scope) => html`<code>${scope}</code> `)}</p></details>`
    : html`<p class="scopes">Needs no token.</p>`
}
${parameters(operation, resolve)}
${requestBody(operation, resolve)}
<h4>Call</h4>
<div class="samples"><figure><figcaption>curl</figcaption><pre><code>${curlSample(call)}</code></pre></figure>
<figure><figcaption>losant-rest</figcaption><pre><code>${clientSample(call)}</code></pre></figure></div>
${responses(operation, resolve)}
</section>`
}

/** The description without the summary, which is the heading. */
function moreOf(operation: Call['operation']): string {
  const [, ...more] = String(operation['description'] ?? '').split('\n\n')
  return more.filter((text) => !text.includes('`x-scopes`')).join('\n\n')
}

function parameters(operation: Call['operation'], resolve: Resolve): Html | false {
  const all = Array.isArray(operation['parameters']) ? operation['parameters'].map(resolve) : []
  if (all.length === 0) return false
  const rows = all.map(({ name, in: place, required, description, schema, content }) => {
    const json = recordOf(recordOf(content)['application/json'])['schema']
    const shape = schema ?? json
    return html`<tr><td><code class="name">${String(name)}</code>${required === true ? html` <b class="must">required</b>` : ''}</td>
<td>${String(place)}</td><td>${typeOf(shape)}${json ? ' as JSON' : ''}</td><td>${inline(String(description))} ${constraints(shape)}</td></tr>`
  })
  return html`<h4>Parameters</h4><div class="scroll"><table>
<thead><tr><th scope="col">Name</th><th scope="col">In</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function requestBody(operation: Call['operation'], resolve: Resolve): Html | false {
  const body = recordOf(operation['requestBody'])
  const [[type, media] = []] = Object.entries(recordOf(body['content']))
  if (!type) return false
  const { schema } = recordOf(media)
  const name = recordOf(schema)['$ref'] ? html` ${typeOf(schema)}` : ''
  return html`<h4>Body${name} <small>${type}${body['required'] === true ? '' : ', may be left out'}</small></h4>
${schemaTable(resolve(schema))}`
}

function responses(operation: Call['operation'], resolve: Resolve): Html {
  const all = Object.entries(recordOf(operation['responses'])).map(([status, node]) => ({ status, ...resolve(node) }))
  const [good, bad] = [all.filter(({ status }) => status < '400'), all.filter(({ status }) => status >= '400')]
  return html`<h4>Answers</h4>${good.map((response) => answer(response, resolve))}
<details class="errors"><summary>Errors: ${bad.map(({ status }) => status).join(', ')}</summary><dl>${bad.map((response) => error(response))}</dl></details>`
}

type Response = { readonly status: string } & Readonly<Record<string, unknown>>

function answer({ status, description, content, headers }: Response, resolve: Resolve): Html {
  const [[type, media] = []] = Object.entries(recordOf(content))
  const { schema, example } = recordOf(media)
  return html`<div class="answer"><p><b class="status">${status}</b> ${inline(String(description))}${type ? html` <small>${type}</small>` : ''}</p>
${Object.entries(recordOf(headers)).map(([name, header]) => html`<p><code>${name}</code>: ${inline(String(resolve(header)['description']).replace(/\.?$/, '.'))}</p>`)}
${type === 'application/json' ? schemaTable(schema) : ''}${type ? sample(example) : ''}</div>`
}

function error({ status, description, content }: Response): Html {
  const { examples } = recordOf(recordOf(content)['application/json'])
  const values = Object.values(recordOf(examples)).map((one) => recordOf(recordOf(one)['value']))
  return html`<dt>${status}</dt><dd>${inline(String(description))}
${values.map(({ type, message }) => html`<p class="message"><code>${String(type)}</code> ${String(message)}</p>`)}</dd>`
}

function sample(example: unknown): Html | false {
  if (example === undefined) return false
  const text = typeof example === 'string' ? example : JSON.stringify(example, null, 2)
  return html`<details class="sample" open><summary>Example</summary><pre><code>${text}</code></pre></details>`
}
