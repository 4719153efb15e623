/**
 * A kernel that says what a test tells it to, over real sockets of either transport, so that the other end can be shown every
 * order of messages, also those that no good kernel has.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Publisher, Router } from 'zeromq'
import type { RunEvent } from '../../server/kernel/events.ts'
import { type Outcome, type RunOptions, runCells } from '../../server/kernel/execute.ts'
import { openFramedSession } from '../../server/kernel/framed-session.ts'
import { createFrameReader, encodeFrame, messageOf } from '../../server/kernel/frames.ts'
import { type CodeCell, type Notebook, parseNotebook } from '../../server/kernel/notebook.ts'
import { SESSION_LIMITS, type Session, type SessionLimits } from '../../server/kernel/session.ts'
import { type Content, type Message, parseObject } from '../../server/kernel/wire.ts'
import { openZmqSession } from '../../server/kernel/zmq-session.ts'
import type { Ending } from '../../server/sandbox/process.ts'

export type Transport = 'zmq' | 'framed'

/** What the kernel can say while it works on a request. Everything arrives in the order in which it was said. */
export interface Say {
  /** A message on the output channel, for this request unless another parent is given. */
  output(type: string, content: Content, more?: { parent?: string | undefined; buffers?: Buffer[] }): Promise<void>
  reply(content: Content): Promise<void>
  status(state: string): Promise<void>
  /** Bytes as they are, on the output channel. */
  raw(frames: Buffer[]): Promise<void>
  /** The id of the request. */
  readonly id: string
  /** The process ends, as far as anybody outside can see. */
  die(ending: Partial<Ending>): void
  /** The comm messages that have come. */
  readonly received: readonly Content[]
  /** Resolves when the process is asked to end. */
  readonly asked: Promise<string>
}

/** What the kernel does about one cell. */
export type Script = (say: Say) => Promise<void>

export interface ScriptedRun {
  readonly outcome: Outcome
  readonly notebook: Notebook
  readonly cells: readonly CodeCell[]
  readonly events: readonly RunEvent[]
  /** Comm messages that the kernel was sent. */
  readonly received: readonly Content[]
}

export interface ScriptedOptions extends Pick<RunOptions, 'limits' | 'times' | 'signal'> {
  readonly session?: SessionLimits
  /** Instead of one cell for each script. */
  readonly notebook?: Notebook
}

/** Busy, whatever is given, an ok reply, idle: a cell of a good kernel. */
export const good =
  (work: Script = async () => {}): Script =>
  async (say) => {
    await say.status('busy')
    await say.output('execute_input', { code: '', execution_count: 1 })
    await work(say)
    await say.reply({ status: 'ok', execution_count: 1, payload: [], user_expressions: {} })
    await say.status('idle')
  }

/** Runs one cell for each script, the way a service does. */
export async function runScripted(
  transport: Transport,
  scripts: readonly Script[],
  options: ScriptedOptions = {},
): Promise<ScriptedRun> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'fb-s-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const ended = Promise.withResolvers<Ending>()
  const asked = Promise.withResolvers<string>()
  const received: Content[] = []
  const left = [...scripts]
  const take: TakeRequest = (type, content, id, send) => {
    const say: Say = {
      id,
      received,
      asked: asked.promise,
      output: (outputType, outputContent, { parent = id, buffers = [] } = {}) =>
        send('output', outputType, outputContent, parent, buffers),
      reply: (replyContent) => send('reply', type.replace('_request', '_reply'), replyContent, id, []),
      status: (state) => send('output', 'status', { execution_state: state }, id, []),
      raw: (frames) => send('raw', '', {}, id, frames),
      die: (ending) =>
        ended.resolve({ reason: 'exited', exitCode: 1, signal: null, stderrTail: '', usage: {}, ...ending }),
    }
    if (type === 'kernel_info_request') return say.reply({ status: 'ok' }).then(() => say.status('idle'))
    // What a script still says when the run has ended can't be sent any more.
    if (type === 'execute_request') return (left.shift()?.(say) ?? Promise.resolve()).catch(() => {})
    received.push(content)
    return Promise.resolve()
  }
  const limits = options.session ?? SESSION_LIMITS
  const open = transport === 'zmq' ? openZmq : openFramed
  const session = parts.use(await open(folder, limits, take, parts))
  await session.ready()
  const notebook = options.notebook ?? cellsFor(scripts)
  const events: RunEvent[] = []
  const process = { exited: ended.promise, end: asked.resolve }
  const kernel = { session, process, info: { language_info: { name: 'scripted' } } }
  const outcome = await runCells({ ...options, notebook, kernel, onEvent: (event) => events.push(event) })
  const cells = notebook.cells.filter((cell) => cell.cell_type === 'code')
  return { outcome, notebook, cells, events, received }
}

type Send = (
  channel: 'output' | 'reply' | 'raw',
  type: string,
  content: Content,
  parent: string,
  b: Buffer[],
) => Promise<void>
type TakeRequest = (type: string, content: Content, id: string, send: Send) => Promise<void>

function cellsFor(scripts: readonly Script[]): Notebook {
  const cells = scripts.map((_, index) => ({ cell_type: 'code', metadata: {}, source: `${index}`, outputs: [] }))
  return parseNotebook(Buffer.from(JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells })))
}

const DELIMITER = '<IDS|MSG>'

async function openZmq(
  folder: string,
  limits: SessionLimits,
  take: TakeRequest,
  parts: AsyncDisposableStack,
): Promise<Session> {
  const prefix = join(folder, 'k')
  const key = 'a test'
  const [shell, control, output] = [new Router(), new Router(), new Publisher({ sendHighWaterMark: 0, linger: 0 })]
  parts.defer(() => {
    for (const socket of [shell, control, output]) socket.close()
  })
  await Promise.all([
    shell.bind(`ipc://${prefix}-1`),
    output.bind(`ipc://${prefix}-2`),
    control.bind(`ipc://${prefix}-4`),
  ])
  const message = (type: string, content: Content, parent: string, buffers: Buffer[]) => {
    const header = { msg_id: randomUUID(), msg_type: type, session: 's', username: 'u', version: '5.3' }
    const date = new Date().toISOString()
    const signed = [{ ...header, date }, parent === '' ? {} : { msg_id: parent }, {}, content].map((part) =>
      Buffer.from(JSON.stringify(part)),
    )
    const hmac = createHmac('sha256', key)
    for (const part of signed) hmac.update(part)
    return [DELIMITER, hmac.digest('hex'), ...signed, ...buffers]
  }
  const serve = async () => {
    for await (const [identity, ...frames] of shell) {
      const [header, , , content] = frames.slice(frames.findIndex((frame) => frame.toString() === DELIMITER) + 2)
      if (!identity || !header || !content) continue
      const { msg_id, msg_type } = parseObject(header, 'header')
      void take(
        String(msg_type),
        parseObject(content, 'content'),
        String(msg_id),
        async (channel, type, said, parent, b) => {
          if (channel === 'raw') await output.send(b)
          else if (channel === 'reply') await shell.send([identity, ...message(type, said, parent, b)])
          else await output.send([`topic.${type}`, ...message(type, said, parent, b)])
        },
      )
    }
  }
  void serve().catch(() => {}) // its sockets were closed
  return openZmqSession({ prefix, key, limits })
}

async function openFramed(
  folder: string,
  limits: SessionLimits,
  take: TakeRequest,
  parts: AsyncDisposableStack,
): Promise<Session> {
  const server = createServer((socket: Socket) => {
    const reader = createFrameReader(1e9)
    const write = (bytes: Buffer) => new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
    socket.on('error', () => {})
    parts.defer(() => {
      socket.destroy()
    })
    socket.on('data', (piece) => {
      for (const frame of reader.take(Buffer.from(piece))) {
        const { header, content } = messageOf(frame)
        const id = String(parseObject(frame.json, 'frame')['i'])
        void take(header.msg_type, content, id, (channel, type, said, parent, b) => {
          if (channel === 'raw') return write(Buffer.concat(b))
          const date = new Date().toISOString()
          return write(encodeFrame({ t: type, ...(parent === '' ? {} : { p: parent }), d: date, c: said }, b))
        })
      }
    })
  })
  parts.defer(() => {
    server.close()
  })
  const path = join(folder, 's')
  await once(server.listen(path), 'listening')
  const socket = connectSocket(path)
  await once(socket, 'connect')
  const header = { msg_id: '', msg_type: 'kernel_info_reply', session: '', username: '', date: '', version: '5.3' }
  const info: Message = { header, parentId: undefined, metadata: {}, content: {}, buffers: [], sizeBytes: 0 }
  return openFramedSession({ socket, info, limits })
}
