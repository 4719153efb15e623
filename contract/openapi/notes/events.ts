/** Notes about `contract/events.ts`. */

import { blobLink } from '../example-world.ts'
import type { Notes, RouteNote } from '../notes.ts'

const rendered = (file: string): RouteNote => ({
  own: true,
  more: 'The link carries no token, so that a page, which others wrote, has none in its address.',
  answers: {
    200: {
      description: `Where a client follows the link: the ${file} itself.`,
      mediaType: file.endsWith('.pdf') ? 'application/pdf' : 'text/html',
      example: file.endsWith('.pdf') ? '%PDF-1.4 …' : '<!doctype html><title>Night report</title>…',
    },
    303: {
      description: `The ${file} is at the location.`,
      headers: { Location: `A link such as ${blobLink(file)}, which ends after a while` },
    },
  },
  errors: {
    409: {
      when: 'The execution has not ended, or its result can never be made.',
      message: `The execution has not ended; ${file} is made of its result, and result.ipynb can be had meanwhile`,
    },
    429: {
      when: 'As many result files of this application are being made as may be.',
      message: '20 result files of this application are being made, and at most 20 may be; try again in 10 seconds',
    },
  },
})

export const notes: Notes = {
  tag: { name: 'Executions' },
  routes: {
    watchExecution: {
      own: true,
      more: 'The original can only be asked again and again. The events are `phase`, `cell`, `stream`, `display`, `update`, `clear`, `cellError`, `truncated` and, as the last one, `finished`. A client that comes back sends the id of the last event it has seen as `Last-Event-ID`.',
      answers: {
        200: {
          description: 'The events, as they come.',
          mediaType: 'text/event-stream',
          example:
            'id: 2\nevent: cell\ndata: {"cellNumber":1,"cells":7,"cellIndex":1,"state":"running"}\n\n' +
            'id: 3\nevent: stream\ndata: {"cellNumber":1,"name":"stdout","text":"14 freezers\\n"}\n\n',
        },
        204: { description: 'The last event was seen already; there is no use in coming back.' },
      },
    },
    getPartialResult: {
      own: true,
      more: 'The original has results at the end only.',
      answers: {
        200: {
          description: 'The notebook.',
          mediaType: 'application/x-ipynb+json',
          example: '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        },
      },
    },
    getPage: rendered('result.html'),
    getDocument: rendered('result.pdf'),
  },
}
