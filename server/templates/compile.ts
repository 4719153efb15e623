/**
 * A template as a function. Templates are other people's and render in the service's own process, so they have only
 * look-ups, the helpers listed here and loops of bounded length: no prototypes, no partials, no log.
 */

import Handlebars from 'handlebars'
import { helpers } from './helpers.ts'

export type TemplateContext = Readonly<Record<string, unknown>>

/** Turns of all loops of one rendering together: about as many as there can be characters in what it renders to. */
const MAX_TURNS = 8192

/** Handlebars' defaults, said so that it does not warn on the console about every template that tries. */
const NO_PROTOTYPES = { allowProtoMethodsByDefault: false, allowProtoPropertiesByDefault: false }

/** Part of no name, path or id, so it can be taken out of every text. */
const NUL = '\u0000'

const handlebars = Handlebars.create()
handlebars.unregisterHelper('log')
handlebars.registerHelper(helpers)
boundLoops()
/** Turns of the rendering under way; rendering is synchronous, so there is only one. */
let turns = 0

/**
 * Compiles once; the function renders without escaping anything.
 * @throws Handlebars' errors; the function throws them too
 */
export function compileTemplate(template: string): (context: TemplateContext) => string {
  const program = handlebars.parse(template)
  prepare(program)
  const render = handlebars.compile(program, { noEscape: true, preventIndent: true })
  return (context) => {
    turns = 0
    return render(context, NO_PROTOTYPES).replaceAll(NUL, '')
  }
}

/**
 * Puts text at the start of every program: without escaping, Handlebars joins values by `+`, so that two numbers side by
 * side would be added. Refuses partials: one that renders itself twice costs as much as a loop without an end.
 */
function prepare(program: hbs.AST.Program): void {
  for (const statement of program.body) {
    if (isBlock(statement)) {
      // A block without an else part has no inverse, whatever the types say.
      for (const inner of [statement.program, statement.inverse]) if (inner) prepare(inner)
    } else if (!PLAIN.has(statement.type)) {
      throw new Error('partials and decorators are not supported')
    }
  }
  const original = { open: false, close: false }
  const text: hbs.AST.ContentStatement = { type: 'ContentStatement', value: NUL, original, loc: program.loc }
  program.body.unshift(text)
}

const PLAIN = new Set(['MustacheStatement', 'ContentStatement', 'CommentStatement'])

const isBlock = (statement: hbs.AST.Statement): statement is hbs.AST.BlockStatement =>
  statement.type === 'BlockStatement'

/** Three loops of 10,000 within each other would hold the whole service up for hours, so `each` counts. */
function boundLoops(): void {
  const each = handlebars.helpers['each']
  handlebars.registerHelper('each', function (this: unknown, items: unknown, options?: Handlebars.HelperOptions) {
    if (!each || !options) throw new Error('"each" needs something to go through')
    const fn: Handlebars.TemplateDelegate = (context, runtime) => {
      turns += 1
      if (turns > MAX_TURNS) throw new Error(`its loops take more than ${MAX_TURNS} turns`)
      return options.fn(context, runtime)
    }
    return each.call(this, items, { ...options, fn })
  })
}
