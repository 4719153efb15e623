/**
 * A Chromium for tests that open pages as people do: the one set-up found, on this machine's own network, without the
 * sandbox that Fieldbook puts around it. Where set-up found that none can be had, such tests are skipped, with its reason.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { type Browser, browserCommand, readBrowser } from '../../server/render/browser.ts'
import { asValues, type DevtoolsEvent, openDevtools, type Values } from '../../server/render/devtools.ts'

const TOOLS = join(import.meta.dirname, '../../.fieldbook')

/**
 * For the option `skip` of a test: false where set-up found a browser, its reason where it wrote down that there is none.
 * @throws where set-up has not looked for one, or the one it names is no program: that is no reason to skip anything
 */
export async function noChromium(tools = TOOLS): Promise<string | false> {
  const record = join(tools, 'chromium', 'browser.json')
  const text = await readFile(record, 'utf8').catch((cause) => {
    throw new Error('Set-up has not looked for a browser; run "npm run setup"', { cause })
  })
  const { problem } = asValues(JSON.parse(text))
  if (typeof problem === 'string' && problem) return problem
  await access((await readBrowser(tools)).program, constants.X_OK)
  return false
}

/** @throws where there is none */
export const testBrowser = (): Promise<Browser> => readBrowser(TOOLS)

export interface Page {
  /** Resolves when the page and all that it loads have arrived, with the reason when it could not be opened. */
  goto(url: string): Promise<string | undefined>
  /** The value of an expression in the page, promises awaited. @throws what it throws */
  evaluate(expression: string): Promise<unknown>
  /** Addresses of everything the page asked for, itself included, in order. */
  readonly requests: readonly string[]
  /** Lines of its console, and what it threw. */
  readonly console: readonly string[]
  /** Writes a PNG of what a window of 1000 × 800 shows. */
  screenshot(path: string): Promise<void>
  /** Any other order of the DevTools protocol. */
  send(method: string, params?: Values): Promise<Values>
}

export interface Chromium extends AsyncDisposable {
  /** A tab that shares cookies and storage with no other. */
  newPage(): Promise<Page>
}

/** Starts one; disposing it ends it and removes its profile. */
export async function openChromium(): Promise<Chromium> {
  const browser = await testBrowser()
  const profile = await mkdtemp(join(tmpdir(), 'fieldbook-chromium-'))
  const [program, ...args] = browserCommand(browser, profile)
  const child = spawn(program, args, {
    env: { HOME: profile, PATH: '/usr/bin:/bin', ...browser.env },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    // A group of its own, because its processes don't all end with the first.
    detached: true,
  })
  const exited = once(child, 'exit')
  exited.catch(() => {}) // what can't be started closes its pipes, which is heard of below
  const [, , , send, receive] = child.stdio
  if (!(send instanceof Writable && receive instanceof Readable)) throw new Error('the browser has no pipes')
  const devtools = openDevtools({ send, receive })
  return {
    newPage: async () => {
      devtools.begin()
      const { browserContextId } = await devtools.send('Target.createBrowserContext')
      const { targetId } = await devtools.send('Target.createTarget', {
        url: 'about:blank',
        browserContextId,
        width: 1000,
        height: 800,
      })
      const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: true })
      const session = String(sessionId)
      for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await devtools.send(`${domain}.enable`, {}, session)
      const page = { requests: [] as string[], console: [] as string[] }
      devtools.listen((event) => event.session === session && note(page, event))
      return {
        ...page,
        goto: async (url) => {
          const loaded = devtools.next('Page.loadEventFired', session)
          const { errorText } = await devtools.send('Page.navigate', { url }, session)
          if (typeof errorText === 'string') return errorText
          await loaded
          return undefined
        },
        evaluate: async (expression) => {
          const options = { expression, awaitPromise: true, returnByValue: true }
          const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', options, session)
          if (exceptionDetails !== undefined) throw new Error(thrown(asValues(exceptionDetails)))
          return asValues(result)['value']
        },
        screenshot: async (path) => {
          const { data } = await devtools.send('Page.captureScreenshot', { format: 'png' }, session)
          await writeFile(path, Buffer.from(String(data), 'base64'))
        },
        send: (method, params) => devtools.send(method, params, session),
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.pid) process.kill(-child.pid, 'SIGKILL')
      await exited
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function note(page: { requests: string[]; console: string[] }, { method, params }: DevtoolsEvent): void {
  if (method === 'Network.requestWillBeSent') page.requests.push(String(asValues(params['request'])['url']))
  else if (method === 'Log.entryAdded') page.console.push(String(asValues(params['entry'])['text']))
  else if (method === 'Runtime.exceptionThrown') page.console.push(thrown(asValues(params['exceptionDetails'])))
  else if (method === 'Runtime.consoleAPICalled') {
    const values = Array.isArray(params['args']) ? params['args'] : []
    page.console.push(values.map((value) => String(asValues(value)['value'])).join(' '))
  }
}

const thrown = ({ exception, text }: Values) => String(asValues(exception)['description'] ?? text)
