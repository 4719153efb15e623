/** File names of inputs and outputs after their templates are rendered. */

import { invalid } from '../ground/errors.ts'

const PLAIN_NAME = /^(?!\.{1,2}$)[0-9a-zA-Z_.-]{1,255}$/

/**
 * The name, if it is one of a file directly in its folder. Everything a template can render to passes here before it
 * meets a path. @throws invalid
 */
export function plainName(name: string): string {
  if (PLAIN_NAME.test(name)) return name
  throw invalid(`its file name renders to "${name}"; allowed are 1 to 255 letters, digits, "_", "." and "-"`)
}
