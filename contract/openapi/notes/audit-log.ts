/** Notes about `contract/audit-log.ts`. */

import { APPLICATION, FREEZER, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const ENTRY = '692690c15c3e8d0012a4b7f0'

export const notes: Notes = {
  own: true,
  tag: { name: 'Audit log', description: 'Who did what. Of the original only the words are, where it has them.' },
  schemas: {
    AuditEntry: {
      is: 'A request that changed something, was refused, or was told a secret; or several of a minute.',
      example: {
        id: ENTRY,
        auditLogId: ENTRY,
        creationDate: '2026-11-26T12:04:05.000Z',
        applicationId: APPLICATION,
        actorType: 'User',
        actorId: USER,
        actorName: 'ann@example.com',
        requestResource: 'device',
        requestAction: 'patch',
        requestPathParams: { applicationId: APPLICATION, deviceId: FREEZER },
        responseStatus: 200,
        changedFields: ['name', 'tags'],
        clientAddress: '192.0.2.7',
        requestId: '692690c15c3e8d0012a4b7ef',
        count: 1,
      },
    },
  },
  routes: {
    getAuditLog: {
      more: 'The latest entries come first. Sign-ins, and what is about no application, are in the log of the installation.',
      query: { operation: 'notebook.*' },
    },
    getInstallationAuditLog: { query: { operation: 'auth.*' } },
  },
}
