/**
 * What running a notebook costs beside its own work: 11 cells (read 1,000 rows with pandas, ten small cells, write a
 * CSV) through our API, POST execute until the final status is seen, against a script with nbclient in the same image.
 */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openServiceProcess } from '../cli/service-process.ts'
import { type Client, signIn } from '../client/client.ts'
import { createApplication } from '../contract/applications.ts'
import { createDevice, sendState } from '../contract/devices.ts'
import { executeNotebook, getExecution } from '../contract/executions.ts'
import { createNotebook, uploadNotebook } from '../contract/notebooks.ts'
import { conditions, interleave, table } from './measure.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ROWS = 1000
const EMAIL = 'bench@fieldbook.local'
const PASSWORD = 'only for the bench'

/** Prints the table; `rounds` runs of each. */
export async function benchOverhead(rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-bench-'))
  try {
    await using service = await openServiceProcess({
      dataDir: join(folder, 'data'),
      port: 0,
      email: EMAIL,
      password: PASSWORD,
      env: { ...process.env, FIELDBOOK_LOG_LEVEL: 'warn' },
    })
    const ours = await prepareOurs(await signIn(service.url, EMAIL, PASSWORD))
    const peer = await prepareNbclient(folder, ours.inputCsv)
    const timed = await interleave(
      [
        { name: 'nbclient, no sandbox', run: peer },
        { name: 'Fieldbook API, cold kernel, sandbox', run: ours.run },
      ],
      rounds,
    )
    console.log(`overhead: 11 cells, ${ROWS} rows, ms, ${rounds} interleaved runs each\n${conditions()}\n`)
    console.log(table(timed))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const CELLS = [
  "import os\nimport pandas as pd\nd = pd.read_csv(os.path.join(os.environ['INPUT_DIR'], 'history.csv'))",
  'd.describe()',
  ...Array.from({ length: 8 }, (_, index) => `x${index} = d['value'].rolling(${index + 2}).mean()\nx${index}.max()`),
  "d.assign(smooth=x7).to_csv(os.path.join(os.environ['OUTPUT_DIR'], 'out.csv'), index=False)",
]

const NOTEBOOK = JSON.stringify({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
  cells: CELLS.map((source, index) => ({
    id: `c${index}`,
    cell_type: 'code',
    metadata: {},
    execution_count: null,
    outputs: [],
    source,
  })),
})

async function prepareOurs(client: Client): Promise<{ run: () => Promise<number>; inputCsv: string }> {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'bench' } })
  const { id: deviceId } = await client.call(createDevice, {
    params: { applicationId },
    body: { name: 'pump', attributes: [{ name: 'value', dataType: 'number' }] },
  })
  const states = Array.from({ length: ROWS }, (_, index) => ({
    time: 1_700_000_000_000 + index * 60_000,
    data: { value: Math.round(1000 * Math.sin(index / 20)) / 10 },
  }))
  await client.call(sendState, { params: { applicationId, deviceId }, body: states })
  const { id: notebookId } = await client.call(createNotebook, {
    params: { applicationId },
    body: {
      name: 'eleven cells',
      inputs: [{ inputType: 'deviceData', fileName: 'history.csv', deviceIds: [deviceId], start: 1, end: 0 }],
      outputs: [{ outputType: 'temporaryUrl', fileName: 'out.csv' }],
    },
  })
  const params = { applicationId, notebookId }
  const bytes = new TextEncoder().encode(NOTEBOOK)
  await client.call(uploadNotebook, { params, file: { name: 'eleven.ipynb', bytes } })
  const first = await executeOnce(client, params)
  const inputCsv = await (await fetch(first.log.inputInfo['history.csv']?.url ?? '')).text()
  return { run: async () => (await executeOnce(client, params)).tookMs, inputCsv }
}

async function executeOnce(client: Client, params: { applicationId: string; notebookId: string }) {
  const from = performance.now()
  const { executionId } = await client.call(executeNotebook, { params, body: {} })
  for (;;) {
    const log = await client.call(getExecution, { params: { ...params, executionId } })
    if (log.progress.phase === 'finished') {
      if (log.status !== 'completed')
        throw new Error(`the run ended ${log.status}: ${JSON.stringify(log.executionErrors)}`)
      return { log, tookMs: performance.now() - from }
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The same notebook and the same rows for nbclient, run by the image's own interpreter. */
async function prepareNbclient(folder: string, inputCsv: string): Promise<() => Promise<number>> {
  const image: { python: string; env: Record<string, string> } = JSON.parse(
    await readFile(join(ROOT, '.fieldbook', 'images', 'v4', 'image.json'), 'utf8'),
  )
  const [inputs, outputs] = [join(folder, 'in'), join(folder, 'out')]
  await mkdir(inputs)
  await mkdir(outputs)
  await writeFile(join(inputs, 'history.csv'), inputCsv)
  const source = join(folder, 'eleven.ipynb')
  await writeFile(source, NOTEBOOK)
  const peer = fileURLToPath(new URL('nbclient_peer.py', import.meta.url))
  const env = {
    ...process.env,
    ...image.env,
    INPUT_DIR: inputs,
    OUTPUT_DIR: outputs,
    IPYTHONDIR: join(folder, 'ipython'),
  }
  return async () => {
    const from = performance.now()
    await promisify(execFile)(image.python, [peer, source, join(folder, 'result.ipynb')], { env, timeout: 120_000 })
    return performance.now() - from
  }
}
