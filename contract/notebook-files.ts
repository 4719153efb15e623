/** What a notebook may be given and what it may leave behind: the closed unions of the published API. */

import { type Static, Type } from 'typebox'
import {
  closed,
  Key,
  KeyOrTemplate,
  MediumText,
  ObjectIdOrTemplate,
  QueryJson,
  SafeFileName,
  taggedUnion,
  words,
} from './shapes.ts'

const deviceSelection = {
  deviceIds: Type.Optional(Type.Array(ObjectIdOrTemplate, { maxItems: 100 })),
  deviceTags: Type.Optional(
    Type.Array(
      Type.Object(
        { key: Type.Optional(KeyOrTemplate), value: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) },
        closed,
      ),
      { maxItems: 100 },
    ),
  ),
  queryJson: Type.Optional(QueryJson),
}

const timeRange = {
  start: Type.Number({ description: 'milliseconds before the query time as a negative number, or epoch ms' }),
  end: Type.Number({ description: '0 for the query time, negative before it, or epoch ms' }),
}

const format = Type.Optional(words('csv', 'json'))

export const DeviceDataInput = Type.Object(
  {
    inputType: Type.Literal('deviceData'),
    fileName: SafeFileName,
    ...deviceSelection,
    attributes: Type.Optional(Type.Array(Key, { maxItems: 100 })),
    ...timeRange,
  },
  closed,
)
export type DeviceDataInput = Static<typeof DeviceDataInput>

export const NotebookInput = taggedUnion('inputType', [
  DeviceDataInput,
  Type.Object(
    {
      inputType: Type.Literal('deviceConnectionHistory'),
      fileName: SafeFileName,
      ...deviceSelection,
      ...timeRange,
    },
    closed,
  ),
  Type.Object(
    { inputType: Type.Literal('deviceMetadata'), fileName: SafeFileName, ...deviceSelection, format },
    closed,
  ),
  Type.Object(
    {
      inputType: Type.Literal('dataTable'),
      fileName: SafeFileName,
      dataTableId: ObjectIdOrTemplate,
      queryJson: Type.Optional(QueryJson),
    },
    closed,
  ),
  Type.Object(
    {
      inputType: Type.Literal('eventData'),
      fileName: SafeFileName,
      queryJson: Type.Optional(QueryJson),
      format,
    },
    closed,
  ),
  Type.Object({ inputType: Type.Literal('externalUrl'), fileName: SafeFileName, sourceUrl: MediumText }, closed),
  Type.Object(
    {
      inputType: Type.Literal('applicationFile'),
      fileName: SafeFileName,
      filePath: Type.String({ minLength: 1, maxLength: 2048 }),
      private: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
])
export type NotebookInput = Static<typeof NotebookInput>
export type InputType = NotebookInput['inputType']
export type ConnectionHistoryInput = Extract<NotebookInput, { inputType: 'deviceConnectionHistory' }>
export type DeviceMetadataInput = Extract<NotebookInput, { inputType: 'deviceMetadata' }>
export type DataTableInput = Extract<NotebookInput, { inputType: 'dataTable' }>
export type EventDataInput = Extract<NotebookInput, { inputType: 'eventData' }>
export type ExternalUrlInput = Extract<NotebookInput, { inputType: 'externalUrl' }>
export type ApplicationFileInput = Extract<NotebookInput, { inputType: 'applicationFile' }>

const destination = {
  destinationDirectoryTemplate: Type.Optional(MediumText),
  destinationPrivate: Type.Optional(Type.Boolean()),
}

export const DataTableOutput = Type.Object(
  {
    outputType: Type.Literal('dataTable'),
    fileName: SafeFileName,
    dataTableId: ObjectIdOrTemplate,
    createMissingColumns: Type.Optional(Type.Boolean()),
    truncateExistingTable: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type DataTableOutput = Static<typeof DataTableOutput>

export const FileOutput = Type.Object(
  {
    outputType: Type.Literal('file'),
    fileName: SafeFileName,
    destinationFileNameTemplate: MediumText,
    ...destination,
  },
  closed,
)
export type FileOutput = Static<typeof FileOutput>

export const DirectoryOutput = Type.Object(
  {
    outputType: Type.Literal('directory'),
    directoryName: SafeFileName,
    destinationDirectoryTemplate: MediumText,
    destinationPrivate: Type.Optional(Type.Boolean()),
  },
  closed,
)
export type DirectoryOutput = Static<typeof DirectoryOutput>

export const RESULT_FILES = ['result.html', 'result.pdf', 'result.ipynb', 'result.error.log', 'result.log'] as const

export const ExecutionResultOutput = Type.Object(
  {
    outputType: Type.Literal('executionResult'),
    fileName: words(...RESULT_FILES),
    destinationFileNameTemplate: Type.Optional(MediumText),
    ...destination,
  },
  closed,
)
export type ExecutionResultOutput = Static<typeof ExecutionResultOutput>

export const TemporaryUrlOutput = Type.Object(
  { outputType: Type.Literal('temporaryUrl'), fileName: SafeFileName },
  closed,
)
export type TemporaryUrlOutput = Static<typeof TemporaryUrlOutput>

export const NotebookOutput = taggedUnion('outputType', [
  DataTableOutput,
  FileOutput,
  DirectoryOutput,
  ExecutionResultOutput,
  TemporaryUrlOutput,
])
export type NotebookOutput = Static<typeof NotebookOutput>
export type OutputType = NotebookOutput['outputType']
