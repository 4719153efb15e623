/** Names of uploaded files: whatever a client calls a file, it is taken, and its name is what the client meant. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { openDoor } from '../support/door.ts'

const NOTEBOOK = '{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[]}'

/** How the part names its file, and what the notebook's file is called then. */
const names: [disposition: string, name: string][] = [
  ['; filename="a.ipynb"', 'a.ipynb'],
  ['; filename=a.ipynb', 'a.ipynb'],
  // As browsers and Node write a quote in a name, and as RFC 9110 does.
  ['; filename="a %22b%22.ipynb"', 'a "b".ipynb'],
  ['; filename="a \\"b\\".ipynb"', 'a "b".ipynb'],
  ['; filename="Prüfung 数据 😀.ipynb"', 'Prüfung 数据 😀.ipynb'],
  ['; filename="../../etc/passwd"', 'passwd'],
  ['; filename="C:\\\\data\\\\a.ipynb"', 'a.ipynb'],
  ['; filename="a;b=c, d.ipynb"', 'a;b=c, d.ipynb'],
  ['; filename=" "', ' '],
  // What string contents are sent as by the official client; and bytes, or text, without any name.
  ['; filename="jupyterFile"', 'jupyterFile'],
  ['; filename=""', 'jupyterFile'],
  ['', 'jupyterFile'],
  [`; filename="${'n'.repeat(2000)}"`, 'n'.repeat(1024)],
  ['; filename="a\0b.ipynb"', 'ab.ipynb'],
  [`; filename="${'😀'.repeat(1100)}"`, '😀'.repeat(1024)],
]
test('a file may have any name, and none', async (t) => {
  const { ask, base } = await openDoor(t)
  const { id } = JSON.parse((await ask('POST', `${base}/notebooks`, { name: 'n' })).text)
  for (const [disposition, name] of names) {
    const head = Buffer.from('--b\r\nContent-Disposition: form-data; name="jupyterFile"')
    const body = Buffer.from(`\r\n\r\n${NOTEBOOK}\r\n--b--\r\n`)
    const reply = await ask(
      'POST',
      `${base}/notebooks/${id}/upload`,
      Buffer.concat([head, Buffer.from(disposition), body]),
      {
        'content-type': 'multipart/form-data; boundary=b',
      },
    )
    assert.equal(reply.status, 200, `${disposition}: ${reply.text}`)
    assert.equal(JSON.parse(reply.text).jupyterFileName, name, String(disposition))
    const { jupyterFileUrl } = JSON.parse((await ask('GET', `${base}/notebooks/${id}`)).text)
    assert.ok(jupyterFileUrl, 'the file has a link whatever it is called')
  }
})
