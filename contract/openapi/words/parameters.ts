/** Words about parameters, by name, or by operation and name where one name means different things. */

import type { ParameterWord, WordsForParameters } from '../parameters.ts'

const number = (minimum: number, maximum?: number, standard?: number) => ({
  type: 'integer',
  minimum,
  ...(maximum === undefined ? {} : { maximum }),
  ...(standard === undefined ? {} : { default: standard }),
})

const flag = { type: 'boolean', default: false }

const path: Record<string, ParameterWord> = {
  applicationId: { is: 'The application', example: '6923a1f05c3e8d0012a4b701' },
  notebookId: { is: 'The notebook', example: '6923a2c45c3e8d0012a4b70c' },
  executionId: { is: 'The execution', example: '69268f005c3e8d0012a4b7d1' },
  deviceId: { is: 'The device', example: '6923a2105c3e8d0012a4b703' },
  dataTableId: { is: 'The data table', example: '6923a2665c3e8d0012a4b708' },
  rowId: { is: 'The row', example: '69268f335c3e8d0012a4b7d9' },
  eventId: { is: 'The event', example: '69267c125c3e8d0012a4b7c0' },
  fileId: { is: 'The file or directory', example: '69268f345c3e8d0012a4b7da' },
  privateFileId: { is: 'The private file or directory', example: '69268f345c3e8d0012a4b7db' },
  jobId: { is: 'The job', example: '0nHq4TzK2bWm7cRfXsL' },
  backfillId: { is: 'The backfill', example: '692690aa5c3e8d0012a4b7e0' },
  scheduleId: { is: 'The schedule', example: '6923b0015c3e8d0012a4b710' },
  deliveryId: { is: 'The mail or callback, by the id in its list', example: '69268f365c3e8d0012a4b7dc' },
  applicationKeyId: { is: 'The access key', example: '6923c5115c3e8d0012a4b724' },
  apiTokenId: { is: 'The API token', example: '6923c4d25c3e8d0012a4b721' },
  name: { is: 'The name of the attribute', example: 'temperature' },
}

const query: Record<string, ParameterWord> = {
  page: { is: 'Which page, from 0', schema: number(0, undefined, 0), example: 0 },
  perPage: { is: 'How many items a page has', schema: number(1, 1000, 100), example: 100 },
  sortField: { is: 'What the list is sorted by' },
  sortDirection: { is: 'Whether the smallest or the greatest comes first' },
  filterField: { is: 'What `filter` looks at' },
  filter: {
    is: 'Text that the field must have; * stands for any characters and ? for one, large and small letters are the same',
    example: 'freezer*',
  },
  'application.search:filter': { is: 'Text that the name has in it', example: 'freezer' },
  query: { is: 'An advanced query as a JSON object; it takes the place of the other filters' },
  orgId: { is: 'Empty or left out; there are no organizations here' },
  summaryInclude: {
    is: 'Names of what the summary is to have, separated by commas',
    example: 'deviceCount,notebookCount',
  },
  summaryExclude: { is: 'Names of what the summary is not to have, separated by commas' },
  start: { is: 'The beginning of the range: ISO 8601 or milliseconds since 1970', example: '2026-11-01T00:00:00.000Z' },
  end: { is: 'The end of the range: ISO 8601 or milliseconds since 1970', example: '2026-11-26T00:00:00.000Z' },
  since: { is: 'Only what came after this moment: milliseconds since 1970', example: '1764115200000' },
  duration: { is: 'How many milliseconds before the end the range begins', schema: number(1), example: 3600000 },
  limit: { is: 'At most this many', schema: number(1), example: 10 },
  offset: { is: 'How many to pass over', schema: number(0, undefined, 0) },
  sortColumn: { is: 'The column that rows are sorted by; by id unless given', example: 'reportedAt' },
  includeFields: {
    is: 'Names of the columns to answer; all unless given',
    as: 'commas',
    example: ['night', 'maximum'],
  },
  columnName: { is: 'The column', example: 'maximum' },
  deviceClass: { is: 'Only devices of this class, or of these', as: 'repeated', example: ['gateway'] },
  tagFilter: { is: 'Only devices with all of these tags', example: [{ key: 'floor', value: '2' }] },
  parentId: { is: 'Only devices below this one; the word null for those below none' },
  excludeConnectionInfo: { is: 'Leaves out whether the devices are connected', schema: flag },
  tagsAsObject: { is: 'Answers tags as an object of lists, by key', schema: flag },
  attributesAsObject: { is: 'Answers attributes as an object, by name', schema: flag },
  queryDeleted: { is: 'Lists deleted devices that can still be restored instead', schema: flag },
  startsWith: { is: 'Only those that begin with this text', example: 'temp' },
  dataType: { is: 'Only attributes of this type, or of these', as: 'repeated', example: ['number'] },
  key: { is: 'The key of the tag', example: 'floor' },
  attributes: { is: 'Only these attributes', example: 'temperature,door' },
  includeBlobData: { is: 'Whether values of blob attributes are written out', schema: flag },
  'auth.ssoDomain:email': { is: 'The address of who wants to sign in', example: 'ada@example.com' },
  includeRecent: { is: 'Taken and passed over: what was opened last is not kept' },
  email: { is: 'Who gets a mail when the job has ended', example: 'ada@example.com' },
  callbackUrl: { is: 'What is called by POST when the job has ended', example: 'https://example.com/hooks/fieldbook' },
  state: { is: 'Only events in this state' },
  type: { is: 'Only files, or only directories' },
  status: { is: 'Only those with this status' },
  directory: { is: 'The directory whose content is listed', example: '/reports/' },
  parentDirectory: { is: 'The directory to move to; left out or empty, it stays where it is', example: '/archive/' },
  name: { is: 'The new name; left out or empty, it stays', example: 'report-2026-11-25.html' },
  urlTTL: {
    is: 'How many seconds the URL is to work; 0 leaves it out',
    schema: number(0, undefined, 900),
    example: 900,
  },
  kind: { is: 'Only mails, or only callbacks' },
  aboutId: { is: 'Only those about this execution or job', example: '69268f005c3e8d0012a4b7d1' },
  executionId: { is: 'The execution', example: '69268f005c3e8d0012a4b7d1' },
  wait: { is: 'Ours: how many seconds to wait for the end', schema: number(0, 240, 0), example: 30 },
  lastEventId: { is: 'The id of the last event that was seen', schema: number(0) },
  deviceId: { is: 'Only this device', example: '6923a2105c3e8d0012a4b703' },
}

export const PARAMETERS: WordsForParameters = { path, query }
