/** The document as text: what is committed, served and read by the linters. */

import { stringify } from 'yaml'
import type { OpenApiDocument } from './document.ts'

const NOTE = `# Generated from contract/ by "npm run check -- --write"; a conflict in it is solved by running that.
`

/** No anchors, which many readers do not follow, and a line for each value however long, so that changes stay small. */
export const toYaml = (document: OpenApiDocument): string =>
  NOTE + stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 })

export const toJson = (document: OpenApiDocument): string => JSON.stringify(document)
