/** Notes about `contract/time-series.ts`. */

import { CHANGED, DAY_BEFORE, FREEZER, MIDNIGHT } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Device data' },
  schemas: {
    AggregationChoice: { is: 'How the values of one stretch of time become one.', example: 'MEAN' },
    TimeSeriesQuery: {
      is: 'Which devices and attributes, of which time, and how it is put together.',
      example: {
        start: -86_400_000,
        end: 0,
        resolution: 3_600_000,
        aggregation: 'MEAN',
        attributes: ['temperature'],
        deviceTags: [{ key: 'floor', value: '2' }],
      },
    },
    TimeSeries: {
      is: 'What devices reported, point by point.',
      example: {
        start: DAY_BEFORE,
        end: MIDNIGHT,
        resolution: 3_600_000,
        aggregation: 'MEAN',
        limit: null,
        order: 'asc',
        devices: {
          [FREEZER]: {
            name: 'Freezer 3',
            tags: { floor: ['2'] },
            points: [{ time: DAY_BEFORE, data: { temperature: -18.1 } }],
          },
        },
      },
    },
    LastValueQuery: {
      is: 'Which attribute of which devices.',
      example: { attribute: 'temperature', deviceIds: [FREEZER] },
    },
    LastValues: {
      is: 'The last value of each device, by its id.',
      example: { [FREEZER]: { time: CHANGED, data: { temperature: -18.4 } } },
    },
  },
}
