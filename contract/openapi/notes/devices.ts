/** Notes about `contract/devices.ts`. */

import { APPLICATION, CHANGED, FREEZER, GATEWAY, MADE } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const tags = [{ key: 'floor', value: '2' }]
const attributes = [
  { name: 'temperature', dataType: 'number', description: 'Degrees Celsius' },
  { name: 'door', dataType: 'boolean' },
]

const device = {
  id: FREEZER,
  deviceId: FREEZER,
  applicationId: APPLICATION,
  creationDate: MADE,
  lastUpdated: CHANGED,
  name: 'Freezer 3',
  tags,
  attributes,
  deviceClass: 'peripheral',
  gatewayId: GATEWAY,
  ancestorIds: [],
  connectionInfo: { time: CHANGED, connected: 1 },
}

export const notes: Notes = {
  tag: { name: 'Devices', description: 'What reports: machines, sensors, gateways, and systems made of them.' },
  schemas: {
    DeviceTag: { is: 'A key with a value; a device may have the same key several times.', example: tags[0] },
    TagFilter: { is: 'Tags to look for.', example: [{ key: 'floor', value: '2' }, { key: 'broken' }] },
    AttributeType: { is: 'What type the values of an attribute have.' },
    AttributeTags: { is: 'Tags of an attribute, by key.', example: { unit: 'celsius' } },
    DeviceAttribute: { is: 'One thing that a device reports.', example: attributes[0] },
    SystemAttribute: {
      is: 'How an attribute of a system is made of those below it.',
      example: { aggregation: 'MEAN', childAttributes: [{ name: 'temperature', mode: 'all' }] },
    },
    DeviceClass: { is: 'What kind of device it is.' },
    QueryParameter: { is: 'An advanced query: an object, or its JSON text.', example: { 'tags.floor': '2' } },
    DevicePost: {
      is: 'A device to be made.',
      example: { name: 'Freezer 3', deviceClass: 'peripheral', gatewayId: GATEWAY, tags, attributes },
    },
    DevicePatch: { is: 'What is to change of a device.', example: { name: 'Freezer 3 (north)', tags } },
    DeviceReply: { is: 'A device.', example: device },
  },
  routes: {
    listDevices: { query: { filter: 'freezer*' } },
    deleteDevice: { more: 'Its history stays for as long as it can be restored.' },
  },
}
