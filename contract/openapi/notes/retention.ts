/** Notes about `contract/retention.ts`. */

import type { Notes } from '../notes.ts'

export const notes: Notes = {
  own: true,
  tag: { name: 'Installation', description: 'What concerns the installation as a whole.' },
  routes: {
    getRetention: {
      reply: {
        at: '2026-11-26T12:00:00.000Z',
        complete: true,
        linksSeconds: 604_800,
        executionsSeconds: 2_592_000,
        jobLogsSeconds: 2_592_000,
        chores: [{ name: 'expiredOutputs', count: 12, bytes: 48_201_113 }],
      },
    },
  },
}
