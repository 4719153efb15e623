/** Rendering the templates of notebook configuration: names, paths and ids, never markup. Bounded text in and out. */

import { invalid, messageOf } from '../ground/errors.ts'
import { isStorable } from '../ground/storable.ts'
import { compileTemplate, MAX_RENDERED, type TemplateContext } from './compile.ts'

export type { TemplateContext }

/** Of a template that is refused, in the message. */
const MAX_SHOWN = 200

/**
 * The text a template renders to; text without `{{` is given back as it is. Nothing is HTML-escaped.
 * @throws invalid with Handlebars' reason when the template can't be understood, or renders to too much
 */
export function renderTemplate(template: string, context: TemplateContext): string {
  if (!template.includes('{{')) return template
  const shown = template.length > MAX_SHOWN ? `${template.slice(0, MAX_SHOWN)}…` : template
  let text: string
  try {
    text = compileTemplate(template)(context)
  } catch (cause) {
    throw invalid(`The template "${shown}" can't be rendered: ${reasonOf(messageOf(cause))}`, cause)
  }
  if (!isStorable(text)) throw invalid(`The template "${shown}" renders to text with NUL or half a character`)
  if (text.length > MAX_RENDERED) {
    throw invalid(`The template "${shown}" renders to more than ${MAX_RENDERED} characters`)
  }
  return text
}

/** Handlebars draws the place in lines of its own between what is wrong and what it expected. */
function reasonOf(message: string): string {
  const lines = message.split('\n')
  const reason = lines.find((line) => line.startsWith('Expecting')) ?? lines[0] ?? ''
  return reason.endsWith("got 'CLOSE_UNESCAPED'") ? `${reason}; ${BRACES}` : reason
}

/** What happens to everyone who writes JSON around templates. */
const BRACES = 'between the end of {{…}} and a brace of the text there must be a space'
