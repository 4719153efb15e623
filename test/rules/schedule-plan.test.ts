/** What a due schedule runs, leaves out and waits for next. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { planDue } from '../../server/executions/schedules/plan.ts'
import { timesOf } from '../../server/executions/schedules/times.ts'

const HOURLY = timesOf('0 * * * *', 'UTC')
const at = (time: string) => new Date(`2026-05-01T${time}Z`)
const hours = (...times: string[]) => times.map(at)

const cases: [what: string, catchUp: 'none' | 'last' | 'all', now: string, run: string[], missed: string[]][] = [
  ['in time', 'none', '06:00:00.010', ['06:00'], []],
  ['in time', 'last', '06:00:00.010', ['06:00'], []],
  ['in time', 'all', '06:00:00.010', ['06:00'], []],
  ['a minute late', 'none', '06:01:00', ['06:00'], []],
  ['more than a minute late', 'none', '06:01:00.001', [], ['06:00', '06:00']],
  ['more than a minute late', 'last', '06:59', ['06:00'], []],
  ['hours late', 'none', '09:30', [], ['06:00', '09:00']],
  ['hours late, and in time for the last', 'none', '09:00:30', ['09:00'], ['06:00', '08:00']],
  ['hours late', 'last', '09:30', ['09:00'], ['06:00', '08:00']],
  ['hours late', 'all', '08:30', ['06:00', '07:00', '08:00'], []],
  ['later than all may catch up', 'all', '10:30', ['08:00', '09:00', '10:00'], ['06:00', '07:00']],
]
for (const [what, catchUp, now, run, missed] of cases) {
  test(`${what}, catching up ${catchUp}: ${run.join(', ') || 'nothing'} is run`, () => {
    const plan = planDue({ catchUp, catchUpLimit: 3, nextRunAt: at('06:00') }, HOURLY, at(now))
    const [from, to] = hours(...missed)
    assert.deepEqual(plan.run, hours(...run))
    assert.deepEqual(plan.missed, from && to && { from, to })
    assert.deepEqual(plan.next, HOURLY.after(at(now)))
  })
}
