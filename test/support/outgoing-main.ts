/**
 * Outgoing requests in a world of their own: a network namespace whose resolver is a name server of the test, and in which
 * a public address, the machine itself and a cloud's metadata are all served here. It says as JSON what was reached.
 */

import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { messageOf } from '../../server/ground/errors.ts'
import { isPublicAddress } from '../../server/outgoing/addresses.ts'
import { fetchToFile } from '../../server/outgoing/fetch-file.ts'
import { postJson } from '../../server/outgoing/post-json.ts'
import { openNameServer } from './flipping-dns.ts'

const [, , folder = ''] = process.argv
const [OUTSIDE, INSIDE, METADATA] = ['93.184.216.34', '127.0.0.1', '169.254.169.254']

const flip = (to: string) => [[OUTSIDE], [to]]
await using names = await openNameServer(
  {
    'control.example': flip(INSIDE),
    'flips.example': flip(INSIDE),
    'metadata.example': flip(METADATA),
    'callback.example': flip(INSIDE),
    'both.example': [[OUTSIDE, INSIDE]],
    'inner.example': [[INSIDE]],
    'hops.example': flip(METADATA),
  },
  53,
)

const reached: string[] = []
for (const host of [OUTSIDE, INSIDE, METADATA]) {
  const server = createServer((request, response) => {
    reached.push(`${host} for ${request.headers.host}`)
    const to = new URL(request.url ?? '/', 'http://x').searchParams.get('to')
    if (to) response.writeHead(302, { location: to, connection: 'close' }).end()
    else response.writeHead(200, { connection: 'close' }).end(host)
  })
  server.listen(80, host)
  server.unref()
  await once(server, 'listening')
}

const result = (work: Promise<unknown>) => work.then(String, messageOf)
const options = { signal: new AbortController().signal, allowPrivate: false, timeoutMs: 20_000 }
let files = 0
async function fetched(url: string): Promise<string> {
  const file = join(folder, `fetched-${files++}`)
  await fetchToFile(url, file, { ...options, maxBytes: 1000 })
  return readFile(file, 'utf8')
}

/** What a program without the guard does: it looks the name up, finds it public, and asks for it by name. */
async function careless(url: string): Promise<string> {
  const { address } = await lookup(new URL(url).hostname, { family: 4 })
  if (!isPublicAddress(address)) throw new Error('private')
  return (await fetch(url)).text()
}

const said = {
  control: await result(careless('http://control.example/')),
  first: await result(fetched('http://flips.example/')),
  second: await result(fetched('http://flips.example/')),
  metadataFirst: await result(fetched('http://metadata.example/')),
  metadataSecond: await result(fetched('http://metadata.example/latest/meta-data/')),
  callbackFirst: await result(postJson('http://callback.example/', '{}', options).then(() => 'sent')),
  callbackSecond: await result(postJson('http://callback.example/', '{}', options).then(() => 'sent')),
  both: await result(fetched('http://both.example/')),
  redirectByName: await result(fetched(`http://${OUTSIDE}/?to=${encodeURIComponent('http://inner.example/')}`)),
  // The first hop is to where the name leads at first, the second to the same name, which leads elsewhere by then.
  redirectThatFlips: await result(fetched(`http://hops.example/?to=${encodeURIComponent('http://hops.example/')}`)),
}
console.log(JSON.stringify({ said, reached, asked: names.asked }))
