// The table of tasks: what `npm run <task>` needs to be in place and the Node 24 commands it then runs, in order.
import { everyStep, toolSteps } from './steps.mjs'

const testGlobs = ['test/rules/**/*.test.ts', 'test/rooms/**/*.test.ts', 'test/journeys/**/*.test.ts']

/** The test runner's arguments; naming a file or a glob replaces the default ones, options are passed on. */
function testCommand(args) {
  const namesFiles = args.some((arg) => !arg.startsWith('-'))
  // Two at a time: the room and journey tests each bring a database and kernels, more would starve on a small machine.
  return ['--test', '--test-concurrency=2', ...args, ...(namesFiles ? [] : testGlobs)]
}

export const tasks = {
  setup: { steps: everyStep, commands: () => [], isSetup: true },
  // Settings may be kept in a file `.env`; the environment wins over it.
  start: { steps: everyStep, commands: (args) => [['--env-file-if-exists=.env', 'server/main.ts', ...args]] },
  demo: { steps: everyStep, commands: (args) => [['cli/demo.ts', ...args]] },
  test: { steps: everyStep, commands: (args) => [testCommand(args)] },
  check: {
    steps: toolSteps,
    /** `--write` formats the sources and brings generated files up to date. */
    commands: (args) => [
      ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
      ['node_modules/@biomejs/biome/bin/biome', 'check', ...args],
      ['cli/check-generated.ts', ...args],
    ],
  },
  bench: { steps: everyStep, commands: (args) => [['bench/run.ts', ...args]] },
}
