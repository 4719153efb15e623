/** Notes about `contract/notebooks.ts`. */

import { APPLICATION, blobLink, CHANGED, MADE, NOTEBOOK, TABLE } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const inputs = [
  {
    inputType: 'deviceData',
    fileName: 'temperatures.csv',
    deviceTags: [{ key: 'floor', value: '2' }],
    attributes: ['temperature'],
    start: -86_400_000,
    end: 0,
  },
]
const outputs = [
  { outputType: 'dataTable', fileName: 'night.csv', dataTableId: TABLE },
  {
    outputType: 'executionResult',
    fileName: 'result.html',
    destinationFileNameTemplate: 'report-{{formatDate executionRelativeTo "YYYY-MM-DD"}}.html',
    destinationDirectoryTemplate: '/reports',
  },
]

const FULL = {
  403: {
    when: 'There are as many notebooks as are allowed.',
    type: 'LimitExceeded',
    message: 'There are 20 notebooks of this application, and at most 20 are allowed (its limits); delete one first',
  },
}

export const notes: Notes = {
  tag: {
    name: 'Notebooks',
    description: 'What a notebook is given, what becomes of what it leaves, and its `.ipynb`.',
  },
  schemas: {
    ImageVersion: { is: 'The Python environment a notebook runs in; v4 is the newest.' },
    NotebookPost: {
      is: 'A notebook to be made.',
      example: { name: 'Night report', imageVersion: 'v4', inputs, outputs },
    },
    NotebookPatch: { is: 'What is to change of a notebook.', example: { description: 'Runs at six', inputs } },
    NotebookStats: {
      is: 'What a notebook did in this calendar month.',
      example: { minutesThisPeriod: 25, runsThisPeriod: 25, errorsThisPeriod: 1 },
    },
    Notebook: {
      is: 'A notebook.',
      example: {
        id: NOTEBOOK,
        notebookId: NOTEBOOK,
        applicationId: APPLICATION,
        creationDate: MADE,
        lastUpdated: CHANGED,
        name: 'Night report',
        jupyterFileName: 'night.ipynb',
        jupyterFileUrl: blobLink('Night%20report.ipynb'),
        imageVersion: 'v4',
        inputs,
        outputs,
        stats: { minutesThisPeriod: 25, runsThisPeriod: 25, errorsThisPeriod: 1 },
      },
    },
  },
  routes: {
    createNotebook: { errors: FULL },
    patchNotebook: { more: 'Executions that are queued already keep the configuration they were asked for with.' },
    getNotebook: {
      more: 'The published document asks for minutes by day at this very path: with `start` or `end` the answer is that of `notebookMinuteCounts`.',
    },
    uploadNotebook: {
      request: { jupyterFile: '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}' },
    },
  },
}
