/** What journeys over inputs find in an application: a pump with a history, a table, events and files; and a site to fetch from. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DataTable } from '../../contract/data-tables.ts'
import type { Device } from '../../contract/devices.ts'
import type { FileWithUpload } from '../../contract/files.ts'
import type { Official } from './official.ts'
import { makeApplication } from './steps.ts'

/** A site on this machine that knows prices and nothing else. */
export async function startSite(): Promise<{ origin: string } & Disposable> {
  const server = createServer(({ url }, reply) => {
    if (url?.startsWith('/prices')) reply.end(`day,price\n${new URL(url, 'http://x').searchParams.get('day')},1.25\n`)
    else reply.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  // A server that listens on a port has an address with one.
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() }
}

/** When the pump reported last; what inputs are relative to. */
export const T0 = Date.parse('2026-03-01T12:00:00Z')

/** An application with a pump that has reported, been connected, raised an event, and tables and files beside it. */
export async function makePlant(losant: Official, origin: string) {
  const { id: applicationId } = await makeApplication(losant)
  await losant.call('application.patch', {
    applicationId,
    application: { globals: [{ key: 'origin', json: JSON.stringify(origin) }] },
  })
  const device = {
    name: 'Pump "7", north',
    tags: [
      { key: 'kind', value: 'pump' },
      { key: 'site', value: 'north' },
    ],
    attributes: [
      { name: 'temp', dataType: 'number' },
      { name: 'on', dataType: 'boolean' },
      { name: 'note', dataType: 'string' },
      { name: 'place', dataType: 'gps' },
    ],
  }
  const pump = await losant.call<Device>('devices.post', { applicationId, device })
  await losant.call('devices.post', { applicationId, device: { ...device, name: 'other', tags: [] } })
  await losant.call('device.sendState', {
    applicationId,
    deviceId: pump.id,
    deviceState: [
      { time: T0 - 2000, data: { temp: 20.5, on: true, note: 'first, "quoted"' } },
      { time: T0 - 1000, data: { temp: 21, place: '39.1,-84.5' } },
      { time: T0, data: { temp: 99 } },
    ],
  })
  await losant.call('device.setConnectionStatus', {
    applicationId,
    deviceId: pump.id,
    connectionStatus: { status: 'connected', connectedAt: new Date(T0 - 5000).toISOString() },
  })
  const dataTable = {
    name: 'readings',
    columns: [
      { name: 'label', dataType: 'string', constraint: 'optional' },
      { name: 'amount', dataType: 'number', constraint: 'optional' },
      { name: 'good', dataType: 'boolean', constraint: 'optional' },
    ],
  }
  const table = await losant.call<DataTable>('dataTables.post', { applicationId, dataTable })
  await losant.call('dataTableRows.post', {
    applicationId,
    dataTableId: table.id,
    dataTableRow: [
      { label: 'small', amount: 1.5, good: true },
      { label: 'large', amount: 100, good: false },
    ],
  })
  await losant.call('events.post', {
    applicationId,
    event: { level: 'error', subject: 'too hot', deviceId: pump.id, data: { t: 99 }, eventTags: { kind: 'alarm' } },
  })
  await losant.call('events.post', { applicationId, event: { level: 'info', subject: 'started' } })
  const file = { name: 'factors.csv', parentDirectory: '/calibration', type: 'file' }
  const { id: fileId } = await losant.call<FileWithUpload>('files.post', { applicationId, file })
  await losant.call('file.upload', { applicationId, fileId, file: 'pump,factor\n7,0.98\n' })
  return { applicationId, pump, table }
}
