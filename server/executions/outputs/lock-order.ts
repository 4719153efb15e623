/** The order in which outputs are stored: by what they lock. Pure. */

import type { NotebookOutput } from '../../../contract/notebook-files.ts'
import { sortable } from '../../catalog/files/paths.ts'
import type { TemplateContext } from '../../templates/render.ts'
import { tableOf } from './data-table.ts'
import { pathOf } from './destination.ts'

/**
 * Sorted so that any two runs come to what both of them store in the same order: data tables by id, then public files,
 * then private ones, each by path and a directory before what is in it. Outputs of one place stay in the order they are
 * configured in, so that the last one counts.
 */
export function inLockOrder<T>(
  outputs: ReadonlyMap<NotebookOutput, T>,
  context: TemplateContext,
): (readonly [NotebookOutput, T])[] {
  return [...outputs]
    .map(([output, content]) => ({ place: placeOf(output, context), output, content }))
    .sort((a, b) => (a.place < b.place ? -1 : Number(a.place > b.place)))
    .map(({ output, content }) => [output, content])
}

function placeOf(output: NotebookOutput, context: TemplateContext): string {
  try {
    switch (output.outputType) {
      case 'dataTable':
        return `1 ${tableOf(output, context)}`
      case 'temporaryUrl':
        return ''
      default:
        return `${output.destinationPrivate ? '3' : '2'} ${sortable(pathOf(output, context))}`
    }
  } catch {
    return '' // it locks nothing: storing it fails for the same reason, and tells it
  }
}
