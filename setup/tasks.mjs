// The table of tasks: what `npm run <task>` needs to be in place and the Node 24 commands it then runs, in order.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './places.mjs'
import { databaseSteps, everyStep, toolSteps } from './steps.mjs'

const testGlobs = ['test/rules/**/*.test.ts', 'test/rooms/**/*.test.ts', 'test/journeys/**/*.test.ts']

/** The test runner's arguments; naming a file or a glob replaces the default ones, options are passed on. */
function testCommand(args) {
  const namesFiles = args.some((arg) => !arg.startsWith('-'))
  // Two at a time: the room and journey tests each bring a database and kernels, more would starve on a small machine.
  return ['--test', '--test-concurrency=2', ...args, ...(namesFiles ? [] : testGlobs)]
}

const envFile = () => (existsSync(join(root, '.env')) ? ['--env-file=.env'] : [])

export const tasks = {
  setup: {
    steps: everyStep,
    commands: () => [],
    isSetup: true,
    help: `npm run setup -- [options]

Fetches what is missing: npm packages, a Node 24, bubblewrap, the Python image of notebooks, PostgreSQL's libraries, a
headless Chromium.
A set-up that was interrupted goes on where it stopped.

  --rebuild                       build the image anew
  --image-source=index|debian     build it anew, that way only`,
  },
  // Settings may be kept in a file `.env`; the environment wins over it.
  start: {
    help: `npm start

Starts the service: database, worker and door in one process, until Ctrl-C or SIGTERM. Settings come from the
environment or a file .env; .env.example lists them all.`,
    steps: everyStep,
    commands: (args) => [[...envFile(), 'server/main.ts', ...args]],
  },
  // Its own help tells what it can do.
  fieldbook: { steps: databaseSteps, commands: (args) => [[...envFile(), 'server/command/main.ts', ...args]] },
  demo: { steps: everyStep, commands: (args) => [['cli/demo.ts', ...args]] },
  test: {
    help: `npm test -- [files or globs] [options of node --test]

Runs the tests: all three rings, or only the files named.`,
    steps: everyStep,
    commands: (args) => [testCommand(args)],
  },
  check: {
    help: `npm run check -- [--write]

Types, lint, generated files, and the description of the API. With --write the sources are formatted and generated files brought up to date.`,
    steps: toolSteps,
    /** `--write` formats the sources and brings generated files up to date. */
    commands: (args) => [
      ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
      ['node_modules/@biomejs/biome/bin/biome', 'check', ...args],
      ['cli/check-generated.ts', ...args],
      ['cli/check-openapi.ts'],
    ],
  },
  audit: {
    help: `npm run audit

Asks the registry for serious holes known in what the service is installed with. Not part of the check: the answer needs
the network, and changes without a change here.`,
    steps: toolSteps,
    commands: (args) => [['cli/audit.ts', ...args]],
  },
  bench: { steps: everyStep, commands: (args) => [['bench/run.ts', ...args]] },
  soak: { steps: everyStep, commands: (args) => [['bench/soak/run.ts', ...args]] },
}
