/** What every refusal looks like, whatever refused. */

import { type Static, Type } from 'typebox'
import { LimitReached } from './limits.ts'

export const ApiError = Type.Object({
  type: Type.String({ minLength: 1, maxLength: 255, description: 'a word for programs' }),
  message: Type.String({
    minLength: 1,
    description: 'a sentence for people: which field, what was wrong and what is allowed',
  }),
  limit: Type.Optional(LimitReached),
})
export type ApiError = Static<typeof ApiError>
