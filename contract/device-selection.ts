/** How requests about many devices say which they mean. */

import { Type } from 'typebox'
import { TagFilter } from './devices.ts'
import { ObjectId } from './shapes.ts'

/** A query takes the place of ids and tags; nothing given means no devices. */
export const deviceSelection = {
  deviceIds: Type.Optional(Type.Array(ObjectId, { maxItems: 1000 })),
  deviceTags: Type.Optional(TagFilter),
  deviceQuery: Type.Optional(Type.Object({}, { description: 'a query for devices' })),
}
