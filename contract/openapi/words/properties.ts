/** Words about properties, by name, or by schema and name where one name means different things. */

import { ABOUT_DATA } from './data.ts'
import { ABOUT_EXECUTIONS } from './executions.ts'
import { ABOUT_PEOPLE } from './people.ts'
import { ABOUT_THINGS } from './things.ts'

const ALL = new Map(Object.entries({ ...ABOUT_THINGS, ...ABOUT_DATA, ...ABOUT_EXECUTIONS, ...ABOUT_PEOPLE }))

/** One sentence about a property of a schema; undefined where nobody wrote one. */
export const wordFor = (schema: string | undefined, property: string): string | undefined =>
  (schema && ALL.get(`${schema}.${property}`)) ?? ALL.get(property)
