/** Notes about `contract/limits.ts`. */

import type { Notes } from '../notes.ts'

const execution = {
  memoryBytes: 2_147_483_648,
  cores: 1,
  processes: 256,
  openFiles: 1024,
  outputBytes: 1_073_741_824,
  outputFiles: 10_000,
  temporaryBytes: 1_073_741_824,
  temporaryFiles: 100_000,
  cellOutputBytes: 10_000_000,
  runOutputBytes: 50_000_000,
  cellSeconds: 0,
  runMinutes: 60,
  silenceSeconds: 0,
}
const counted = { notebooks: 0, minutesPerMonth: 0, parallelExecutions: 0, queuedExecutions: 1000 }
const sizes = { notebookBytes: 5_000_000, fileBytes: 100_000_000, directFileBytes: 25_000_000, bodyBytes: 1_000_000 }
const all = { ...execution, ...counted, ...sizes }

export const notes: Notes = {
  own: true,
  tag: { name: 'Limits', description: 'What an execution may take, and how much an application may have.' },
  schemas: {
    ExecutionLimits: { is: 'What one execution may take.', example: execution },
    TotalLimits: { is: 'What all applications together may have.', example: counted },
    AllLimits: { is: 'Everything that has a limit.', example: all },
    InstallationLimits: {
      is: 'What any application may have, and all of them together.',
      example: { ...all, total: counted },
    },
    ApplicationLimits: { is: 'The limits an application has of its own.', example: { runMinutes: 30, notebooks: 20 } },
    NotebookLimits: { is: 'The limits a notebook has of its own.', example: { runMinutes: 10 } },
    LimitsReply: {
      is: 'The limits of a notebook, and what they come to.',
      example: {
        limits: { runMinutes: 10 },
        effective: { ...execution, runMinutes: 10 },
        application: execution,
        installation: execution,
      },
    },
    ApplicationLimitsReply: {
      is: 'The limits of an application, what they come to, and how much is used.',
      example: {
        limits: { notebooks: 20 },
        effective: { ...all, notebooks: 20 },
        installation: { ...all, total: counted },
        usage: { notebooks: 3, minutesThisMonth: 25, runningExecutions: 1, queuedExecutions: 0 },
        minutesResetAt: '2026-12-01T00:00:00.000Z',
      },
    },
    LimitReached: {
      is: 'A limit that was reached.',
      example: { name: 'notebooks', of: 'application', allowed: 20, used: 20 },
    },
  },
}
