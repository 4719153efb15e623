/** Notes about `contract/private-files.ts`. */

import type { Notes } from '../notes.ts'

const more =
  'The content follows in a form of its own: send the fields of `upload`, and last the part `file`, to its `url`.'

export const notes: Notes = {
  tag: { name: 'Private files', description: 'As files, but opened only by links that end.' },
  routes: {
    createPrivateFile: { more },
    patchPrivateFile: { more },
    uploadPrivateFile: { request: { privateFile: 'night,maximum\n2026-11-25,-16.2\n' } },
  },
}
