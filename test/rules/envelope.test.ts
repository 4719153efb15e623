/** `_type` and `_links` around answers, and what is left without them. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createDevice, getDevice, listDevices } from '../../contract/devices.ts'
import { getLogs } from '../../contract/executions.ts'
import { createFile, getFile, listFiles, moveFile, patchFile, uploadFile } from '../../contract/files.ts'
import { uploadNotebook } from '../../contract/notebooks.ts'
import { createPrivateFile } from '../../contract/private-files.ts'
import type { Route } from '../../contract/route.ts'
import { listRows } from '../../contract/rows.ts'
import { getState } from '../../contract/states.ts'
import { wrap } from '../../server/http/envelope.ts'

const A = '/applications/a1'
const self = (href: string) => ({ self: { href } })

const wrapped: [string, Route, unknown, string, unknown][] = [
  [
    'one thing',
    getDevice,
    { id: 'd1' },
    `${A}/devices/d1`,
    { id: 'd1', _type: 'device', _links: self(`${A}/devices/d1`) },
  ],
  [
    'a thing just made lives one level below',
    createDevice,
    { id: 'd1' },
    `${A}/devices`,
    { id: 'd1', _type: 'device', _links: self(`${A}/devices/d1`) },
  ],
  [
    'a slash at the end is no level',
    createDevice,
    { id: 'd1' },
    `${A}/devices/`,
    { id: 'd1', _type: 'device', _links: self(`${A}/devices/d1`) },
  ],
  [
    'a list and each of its items',
    listDevices,
    { items: [{ id: 'd1' }], count: 1 },
    `${A}/devices`,
    {
      items: [{ id: 'd1', _type: 'device', _links: self(`${A}/devices/d1`) }],
      count: 1,
      _type: 'devices',
      _links: self(`${A}/devices`),
    },
  ],
  [
    'a file of a list lives under file',
    listFiles,
    { items: [{ id: 'f1' }] },
    `${A}/files`,
    {
      items: [{ id: 'f1', _type: 'file', _links: self(`${A}/file/f1`) }],
      _type: 'files',
      _links: self(`${A}/files`),
    },
  ],
  ['one file', getFile, { id: 'f1' }, `${A}/file/f1`, { id: 'f1', _type: 'file', _links: self(`${A}/file/f1`) }],
  ...(['upload', 'move'] as const).map((action): (typeof wrapped)[number] => [
    `a file after its ${action}`,
    action === 'move' ? moveFile : uploadFile,
    { id: 'f1' },
    `${A}/file/f1/${action}`,
    { id: 'f1', _type: 'file', _links: self(`${A}/file/f1`) },
  ]),
  [
    'a file just made lives under file',
    createFile,
    { id: 'f1' },
    `${A}/files`,
    { id: 'f1', _type: 'file', _links: self(`${A}/file/f1`) },
  ],
  [
    'a file that is told of new content is where it was, though that is answered with 201',
    patchFile,
    { id: 'f1' },
    `${A}/file/f1`,
    { id: 'f1', _type: 'file', _links: self(`${A}/file/f1`) },
  ],
  [
    'private files live under their list',
    createPrivateFile,
    { id: 'f1' },
    `${A}/privateFiles`,
    { id: 'f1', _type: 'privateFile', _links: self(`${A}/privateFiles/f1`) },
  ],
  [
    'an upload answers the notebook itself',
    uploadNotebook,
    { id: 'n1' },
    `${A}/notebooks/n1/upload`,
    { id: 'n1', _type: 'notebook', _links: self(`${A}/notebooks/n1`) },
  ],
  [
    'rows of data tables are left alone',
    listRows,
    { items: [{ id: 'r1', _type: 'mine' }] },
    `${A}/data-tables/t1/rows`,
    { items: [{ id: 'r1', _type: 'mine' }], _type: 'dataTableRows', _links: self(`${A}/data-tables/t1/rows`) },
  ],
  ['a plain list', getLogs, [{ id: 'e1' }], `${A}/notebooks/n1/logs`, [{ id: 'e1' }]],
  ['states', getState, [{ data: {} }], `${A}/devices/d1/state`, [{ data: {} }]],
]
for (const [what, route, answer, path, expected] of wrapped) {
  test(`the envelope of ${what}`, () => assert.deepEqual(wrap(route, answer, path, {}), expected))
}

test('links are left out when asked, in any of the words for no', () => {
  const linksOf = (query: Record<string, unknown>) =>
    Object.hasOwn(Object(wrap(getDevice, { id: 'd1' }, `${A}/devices/d1`, query)), '_links')
  for (const yes of [undefined, '', 'true', 'TRUE', '1', 'yes']) assert.ok(linksOf({ _links: yes }), String(yes))
  for (const no of ['false', '0', 'no', 'off']) assert.ok(!linksOf({ _links: no }), no)
})
