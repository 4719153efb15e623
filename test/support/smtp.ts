/** A mail server that takes everything, as far as a client needs one, and keeps what it was sent. */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

/** A part of a mail by its content type, with quoted-printable and base64 (RFC 2045, 6.7 and 6.8) undone. */
export function partOf({ source }: TestMail, type: 'text/plain' | 'text/html'): string {
  const boundary = /boundary="([^"]+)"/.exec(source)?.[1]
  const parts = boundary ? source.split(`--${boundary}`) : [source]
  const part = parts.find((one) => one.includes(`Content-Type: ${type}`)) ?? ''
  const body = part.slice(part.indexOf('\n\n') + 2)
  if (/Content-Transfer-Encoding: base64/i.test(part)) return Buffer.from(body, 'base64').toString()
  if (!/Content-Transfer-Encoding: quoted-printable/i.test(part)) return body
  const bytes = body
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

export interface TestMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body as they came. */
  readonly source: string
}

/** Listens on a free port until the test has ended; `refuse` is how many mails it turns away first. */
export async function startSmtp(t: TestContext, { refuse = 0 } = {}): Promise<{ url: string; mails: TestMail[] }> {
  const mails: TestMail[] = []
  let toRefuse = refuse
  const server = createServer((socket) => {
    let [from, to, lines]: [string, string[], string[] | undefined] = ['', [], undefined]
    const say = (line: string) => socket.write(`${line}\r\n`)
    socket.on('error', () => {})
    say('220 test')
    createInterface({ input: socket }).on('line', (line) => {
      if (lines && line !== '.') return void lines.push(line)
      if (lines) {
        mails.push({ from, to, source: lines.join('\n') })
        lines = undefined
        return say('250 kept')
      }
      const address = /<(.*)>/.exec(line)?.[1] ?? ''
      if (/^MAIL/i.test(line) && toRefuse > 0) {
        toRefuse--
        return say('451 not now')
      }
      if (/^MAIL/i.test(line)) [from, to] = [address, []]
      if (/^RCPT/i.test(line)) to.push(address)
      if (/^DATA/i.test(line)) {
        lines = []
        return say('354 go on')
      }
      say(/^QUIT/i.test(line) ? '221 bye' : '250 ok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  return { url: `smtp://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`, mails }
}
