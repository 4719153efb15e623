/** Where an output goes among the application files: templates rendered, paths as they are kept. Pure. */

import type { DirectoryOutput, ExecutionResultOutput, FileOutput } from '../../../contract/notebook-files.ts'
import { normalDirectory, pathIn, requireName } from '../../catalog/files/paths.ts'
import { renderTemplate, type TemplateContext } from '../../templates/render.ts'

/** A result file without a destination is only linked to from the execution. */
export const hasDestination = (output: ExecutionResultOutput): boolean =>
  Boolean(output.destinationFileNameTemplate || output.destinationDirectoryTemplate)

/** The directory an output is put into; the root unless it names one. @throws invalid */
export const directoryOf = (
  { destinationDirectoryTemplate = '/' }: { readonly destinationDirectoryTemplate?: string },
  context: TemplateContext,
): string => normalDirectory(renderTemplate(destinationDirectoryTemplate, context), 'its destination directory')

/** The name a file is given; a result keeps its own unless the output says another. @throws invalid */
export const nameOf = (output: FileOutput | ExecutionResultOutput, context: TemplateContext): string =>
  requireName(renderTemplate(output.destinationFileNameTemplate ?? output.fileName, context), 'its destination')

/** The path of what an output puts among the application files. @throws invalid */
export const pathOf = (
  output: FileOutput | ExecutionResultOutput | DirectoryOutput,
  context: TemplateContext,
): string =>
  output.outputType === 'directory'
    ? directoryOf(output, context)
    : pathIn(directoryOf(output, context), nameOf(output, context))
