/**
 * What goes over the socket of a child that makes a page: the notebook to it, the page back, each as one frame. The page
 * goes to a file as it comes; neither is ever whole in the memory of the service.
 */

import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { failed, type Rendered } from './rendering.ts'

const HEAD_BYTES = 8
/** Of the JSON before a page. */
const MAX_JSON_BYTES = 65_536
/** A notebook of 50 MB of outputs becomes a page of about as much; a longer one opens in no browser. */
const MAX_PAGE_BYTES = 256 * 1024 ** 2

export interface PageJob {
  readonly ipynbPath: string
  readonly sizeBytes: number
  readonly title: string
  readonly path: string
}

/** `cut`: the child ended before its answer did. The page is written to `part` first, of which nothing is left. */
export async function exchangePage(socket: Socket, job: PageJob, part: string): Promise<Rendered | { kind: 'cut' }> {
  const json = Buffer.from(JSON.stringify({ t: 'page', c: { title: job.title } }))
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32LE(json.length, 0)
  head.writeUInt32LE(job.sizeBytes, 4)
  socket.write(Buffer.concat([head, json]))
  const sent = pipeline(createReadStream(job.ipynbPath), socket, { end: false }).catch(() => {})
  const file = await open(part, 'wx', 0o600)
  try {
    const answer = await receive(socket, file)
    await sent
    if (answer.kind === 'rendered') await rename(part, job.path)
    return answer
  } finally {
    await file.close()
    await rm(part, { force: true })
  }
}

async function receive(socket: Socket, file: FileHandle): Promise<Rendered | { kind: 'cut' }> {
  let start = Buffer.alloc(0)
  let expected: number | undefined
  let written = 0
  try {
    for await (const piece of socket.iterator({ destroyOnReturn: false })) {
      let bytes: Buffer = piece
      if (expected === undefined) {
        start = Buffer.concat([start, piece])
        if (start.length < HEAD_BYTES) continue
        const [jsonBytes, pageBytes] = [start.readUInt32LE(0), start.readUInt32LE(4)]
        if (jsonBytes > MAX_JSON_BYTES) return failed('The conversion to HTML gave an answer that is none')
        if (start.length < HEAD_BYTES + jsonBytes) continue
        const why = refusalIn(start.subarray(HEAD_BYTES, HEAD_BYTES + jsonBytes))
        if (why !== undefined) return failed(`The conversion to HTML failed: ${why}`)
        if (pageBytes > MAX_PAGE_BYTES) {
          return failed(`The page would have ${pageBytes} bytes, and at most ${MAX_PAGE_BYTES} are made`)
        }
        expected = pageBytes
        bytes = start.subarray(HEAD_BYTES + jsonBytes)
      }
      await file.writeFile(bytes.subarray(0, expected - written))
      written += Math.min(bytes.length, expected - written)
      if (written === expected) return { kind: 'rendered', sizeBytes: written }
    }
  } catch {
    // The socket broke: the child is gone.
  }
  return { kind: 'cut' }
}

/** Undefined when the answer announces a page. What a child says is a notebook's word: it is cut and read strictly. */
function refusalIn(json: Buffer): string | undefined {
  try {
    const said: unknown = JSON.parse(json.toString())
    if (typeof said !== 'object' || said === null || !('t' in said)) return 'it said nothing'
    if (said.t === 'page') return undefined
    const content = 'c' in said && typeof said.c === 'object' && said.c !== null ? said.c : {}
    return 'why' in content ? String(content.why).slice(0, 2000) : 'it gave no reason'
  } catch {
    return 'it answered with something else'
  }
}
