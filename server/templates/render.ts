/** Rendering the templates of notebook configuration: names, paths and ids, never markup. Bounded text in and out. */

import { invalid, messageOf } from '../ground/errors.ts'
import { isStorable } from '../ground/storable.ts'
import { compileTemplate, type TemplateContext } from './compile.ts'

export type { TemplateContext }

/** Longest text a template may render to: a destination path has at most 1,024 characters, a query 8,192. */
const MAX_RENDERED = 8192

/**
 * Templates come from a handful of notebooks; compiling costs 0.4 ms, rendering 7 µs. Bounded so that text from
 * outside cannot fill the memory.
 */
const MAX_COMPILED = 1000

const compiled = new Map<string, ReturnType<typeof compileTemplate>>()

/**
 * The text a template renders to; text without `{{` is given back as it is. Nothing is HTML-escaped.
 * @throws invalid with Handlebars' reason when the template can't be understood, or renders to too much
 */
export function renderTemplate(template: string, context: TemplateContext): string {
  if (!template.includes('{{')) return template
  let text: string
  try {
    text = known(template)(context)
  } catch (cause) {
    throw invalid(`The template "${template}" can't be rendered: ${reasonOf(messageOf(cause))}`, cause)
  }
  if (!isStorable(text)) throw invalid(`The template "${template}" renders to text with NUL or half a character`)
  if (text.length > MAX_RENDERED) {
    throw invalid(`The template "${template}" renders to more than ${MAX_RENDERED} characters`)
  }
  return text
}

function known(template: string): ReturnType<typeof compileTemplate> {
  const old = compiled.get(template)
  if (old) return old
  const fresh = compileTemplate(template)
  if (compiled.size >= MAX_COMPILED) compiled.clear()
  compiled.set(template, fresh)
  return fresh
}

/** Handlebars draws the place in lines of its own between what is wrong and what it expected. */
function reasonOf(message: string): string {
  const lines = message.split('\n')
  return lines.find((line) => line.startsWith('Expecting')) ?? lines[0] ?? ''
}
