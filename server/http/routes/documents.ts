/** The description of this API, open to everybody: for programs `/openapi.json` and `/openapi.yaml`, for people `/docs`. */

import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { describeApi } from '../../../contract/openapi/document.ts'
import { toJson, toYaml } from '../../../contract/openapi/text.ts'
import { type FixedAnswer, fixedAnswer, once, sendFixed } from '../fixed-answers.ts'
import { referencePage } from '../reference/page.ts'
import { NO_FEATURES } from '../security-headers.ts'

const described = once(async () => (await describeApi()).document)
const asset = (contentType: string, name: string) =>
  once(async () =>
    fixedAnswer(contentType, await readFile(new URL(`../reference/assets/${name}`, import.meta.url), 'utf8')),
  )

/** By their paths. */
const ANSWERS: Readonly<Record<string, () => Promise<FixedAnswer>>> = {
  '/openapi.json': once(async () => fixedAnswer('application/json', toJson(await described()))),
  '/openapi.yaml': once(async () => fixedAnswer('application/yaml', toYaml(await described()))),
  '/docs': once(async () => fixedAnswer('text/html', referencePage(await described()))),
  '/docs/style.css': asset('text/css', 'style.css'),
  '/docs/script.js': asset('text/javascript', 'script.js'),
}

/** The page loads its own two files and nothing else: no script within it, nothing from elsewhere, no frames, no forms. */
const FOR_A_PAGE = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'permissions-policy': NO_FEATURES,
}

/** Registers all of them. */
export function serveDocuments(app: FastifyInstance): void {
  for (const [path, answer] of Object.entries(ANSWERS)) {
    const headers = path.startsWith('/docs') ? FOR_A_PAGE : {}
    app.get(path, async (request, reply) => sendFixed(request, reply, await answer(), headers))
  }
}
