/** Questions about the history of devices: time series and last values. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { deviceSelection } from './device-selection.ts'
import { route } from './route.ts'
import { closed, DateTime, Key, Name, ObjectId, words } from './shapes.ts'

const Value = Type.Union([Type.Number(), Type.String(), Type.Boolean()])
const Values = Type.Record(Type.String({ pattern: '^[0-9a-zA-Z_-]{1,255}$' }), Value)

const PLAIN = ['NONE', 'FIRST', 'LAST', 'COUNT', 'MAX', 'MIN', 'MEDIAN', 'MEAN', 'SUM', 'STD_DEV'] as const

/** A word, or an object with the word as its type; for how long a value was held only the object can say. */
export const AggregationChoice = Type.Union([
  Type.Unsafe<(typeof PLAIN)[number]>({ ...words(...PLAIN), description: `one of ${PLAIN.join(', ')}` }),
  Type.Object(
    {
      type: words(...PLAIN, 'TIMEATVALUE'),
      options: Type.Optional(
        Type.Object(
          { value: Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Number(), Type.Boolean()])) },
          closed,
        ),
      ),
    },
    closed,
  ),
])
export type AggregationChoice = Static<typeof AggregationChoice>

export const TimeSeriesQuery = Type.Object(
  {
    start: Type.Optional(Type.Number({ description: 'epoch ms; 0 for now, negative before it, 1 for the beginning' })),
    end: Type.Optional(Type.Number({ description: 'epoch ms; 0 for now, negative before it' })),
    duration: Type.Optional(Type.Number({ minimum: 1, description: 'milliseconds before the end' })),
    resolution: Type.Optional(Type.Number({ minimum: 1, description: 'milliseconds of one point' })),
    aggregation: Type.Optional(AggregationChoice),
    attributes: Type.Optional(Type.Array(Key, { maxItems: 1000 })),
    ...deviceSelection,
    limit: Type.Optional(Type.Number({ minimum: 1, description: 'points of one device' })),
    order: Type.Optional(words('asc', 'desc')),
  },
  closed,
)
export type TimeSeriesQuery = Static<typeof TimeSeriesQuery>

export const TimeSeries = Type.Object({
  start: DateTime,
  end: DateTime,
  resolution: Type.Union([Type.Number(), Type.Null()]),
  aggregation: AggregationChoice,
  limit: Type.Union([Type.Number(), Type.Null()]),
  order: words('asc', 'desc'),
  devices: Type.Record(
    ObjectId,
    Type.Object({
      name: Name,
      tags: Type.Record(Type.String(), Type.Array(Type.String())),
      points: Type.Array(Type.Object({ time: DateTime, data: Values })),
    }),
  ),
})
export type TimeSeries = Static<typeof TimeSeries>

export const queryTimeSeries = route({
  operation: 'data.timeSeriesQuery',
  grants: { reads: true, device: true },
  method: 'POST',
  path: '/applications/:applicationId/data/time-series-query',
  summary: 'Gives what devices reported in a range of time, put together by stretches of it.',
  params: ApplicationParams,
  body: { name: 'query', schema: TimeSeriesQuery },
  reply: TimeSeries,
})

export const LastValueQuery = Type.Object(
  {
    attribute: Type.Optional(Key),
    ...deviceSelection,
    end: Type.Optional(Type.Number({ description: 'epoch ms; 0 for now, negative before it' })),
  },
  closed,
)
export type LastValueQuery = Static<typeof LastValueQuery>

export const LastValues = Type.Record(ObjectId, Type.Object({ time: DateTime, data: Values }))
export type LastValues = Static<typeof LastValues>

export const queryLastValues = route({
  operation: 'data.lastValueQuery',
  grants: { reads: true, device: true },
  method: 'POST',
  path: '/applications/:applicationId/data/last-value-query',
  summary: 'Gives the last value that each device reported of an attribute, or its newest state.',
  params: ApplicationParams,
  body: { name: 'query', schema: LastValueQuery },
  reply: LastValues,
})
