/** The reference of the API as one page: a pure function of its OpenAPI document. */

import type { OpenApiDocument } from '../../../contract/openapi/document.ts'
import { recordOf } from '../../../contract/openapi/schemas.ts'
import { type Html, html, inline, prose } from './html.ts'
import { operationSection, type Resolve } from './operation.ts'
import type { Call } from './samples.ts'
import { schemaTable } from './schema.ts'

/** The whole page, which loads a style sheet and a script from beside it and nothing else. */
export function referencePage(document: OpenApiDocument): string {
  const resolve = resolver(document)
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Call => ({ method: method.toUpperCase(), path, operation })),
  )
  const groups = document.tags.map((tag) => ({
    ...tag,
    calls: calls.filter(({ operation }) => [operation['tags']].flat().includes(tag.name)),
  }))
  const { title, version } = document.info
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${String(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
<script src="/docs/script.js" defer></script>
</head>
<body>
<a class="skip" href="#content">To the operations</a>
<header>
<h1>${String(title)} <small>${String(version)}</small></h1>
<label class="search">Search <input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="notebook, execute, DELETE …"></label>
<output id="found" for="search"></output>
</header>
<nav aria-label="Operations"><details open><summary>Operations</summary>
<ul><li><a href="#about">About</a></li>
${groups.map(menu)}
<li><a href="#schemas">Schemas</a></li></ul></details></nav>
<main id="content">
<section id="about">${prose(String(document.info['description']))}
<h3>The examples</h3>
<p>They are from a little world of cold rooms and freezers. Those for a shell expect two variables, those for JavaScript a client:</p>
<pre><code>FIELDBOOK=http://127.0.0.1:8410
TOKEN=…   # from POST /auth/user</code></pre>
<pre><code>import api from 'losant-rest'
const client = api.createClient({ url: 'http://127.0.0.1:8410', accessToken: token })</code></pre>
<p>This page is made from <a href="/openapi.json">openapi.json</a>, which there is <a href="/openapi.yaml">as YAML</a> as well.</p></section>
${groups.map((group) => section(group, resolve))}
<section id="schemas"><h2>Schemas</h2>${Object.entries(document.components['schemas'] ?? {}).map(([name, schema]) => component(name, schema))}</section>
</main>
</body>
</html>
`
  return page.text
}

interface Group {
  readonly name: string
  readonly description: string
  readonly calls: readonly Call[]
}

const anchor = (name: string) => `tag-${name.toLowerCase().replaceAll(/\W+/g, '-')}`

const menu = ({ name, calls }: Group): Html => html`<li class="tag"><a href="#${anchor(name)}">${name}</a><ul>
${calls.map(({ method, operation }) => html`<li><a href="#${String(operation['operationId'])}"><span class="method ${method.toLowerCase()}">${method}</span> ${String(operation['summary'])}</a></li>`)}</ul></li>`

const section = (
  { name, description, calls }: Group,
  resolve: Resolve,
): Html => html`<section class="group" id="${anchor(name)}">
<h2>${name}</h2><p>${inline(description)}</p>
${calls.map((call) => operationSection(call, resolve))}</section>`

function component(name: string, schema: unknown): Html {
  const { description, examples } = recordOf(schema)
  const [example] = Array.isArray(examples) ? examples : []
  return html`<section class="component" id="schema-${name}"><h3><a href="#schema-${name}">${name}</a></h3>
<p>${inline(String(description ?? ''))}</p>${schemaTable(schema)}
${example === undefined ? '' : html`<details class="sample"><summary>Example</summary><pre><code>${JSON.stringify(example, null, 2)}</code></pre></details>`}</section>`
}

/** References of the document go to its components only. */
function resolver(document: OpenApiDocument): Resolve {
  return (node) => {
    const { $ref, ...rest } = recordOf(node)
    if (typeof $ref !== 'string') return rest
    return recordOf(
      $ref
        .split('/')
        .slice(1)
        .reduce<unknown>((part, key) => recordOf(part)[key], document),
    )
  }
}
