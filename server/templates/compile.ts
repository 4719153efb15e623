/**
 * A template as a function. Templates are other people's and render in the service's own process, so they have only
 * look-ups, the helpers listed here and loops of bounded length: no prototypes, no partials, no log.
 */

import Handlebars from 'handlebars'
import { evaluate } from './expression.ts'
import { argumentsOf, choose, helpersWith } from './helpers.ts'
import { matches } from './pattern.ts'
import { textOf } from './values.ts'

export type TemplateContext = Readonly<Record<string, unknown>>

/** Turns of all loops of one rendering together: about as many as there can be characters in what it renders to. */
const MAX_TURNS = 8192

/** Longest text a template may render to: a destination path has at most 1,024 characters, a query 8,192. */
export const MAX_RENDERED = 8192

/**
 * Work of one rendering, in units of about a microsecond: helpers charge for what they go through, loops for each turn by
 * the length of the template, because everything in it may be within the loop.
 */
const MAX_WORK = 50_000
const CHARACTERS_A_UNIT = 32

/** Parsing and computing 32 characters of an expression. */
const EXPRESSION_UNITS = 10

/** A template or an expression within another one has to be compiled: 0.4 ms, and more the longer it is. */
const COMPILE_UNITS = 400
const COMPILE_UNITS_A_CHARACTER = 8

/** Handlebars' defaults, said so that it does not warn on the console about every template that tries. */
const NO_PROTOTYPES = { allowProtoMethodsByDefault: false, allowProtoPropertiesByDefault: false }

/** Part of no name, path or id, so it can be taken out of every text. */
const NUL = '\u0000'

/** Takes the value of a `{{…}}` instead of printing it. */
const TAKE = '\u0001take'

const handlebars = Handlebars.create()
handlebars.unregisterHelper('log')
handlebars.registerHelper(helpersWith(charge))
boundLoops()
handlebars.registerHelper('match', function (this: unknown, ...given: unknown[]) {
  const { values, options } = argumentsOf(given)
  return choose(this, matches(textOf(values[0]), textOf(values[1]), run), options)
})
handlebars.registerHelper('template', (...given: unknown[]) => {
  const { values, options } = argumentsOf(given)
  const context = values.length > 1 ? values[1] : options.data.root
  const template = textOf(values[0])
  run.turnUnits = Math.max(run.turnUnits, 1 + Math.floor(template.length / CHARACTERS_A_UNIT))
  charge(run.turnUnits)
  return within(() => cached(template)(context, NO_PROTOTYPES).replaceAll(NUL, ''))
})
handlebars.registerHelper('evalExpression', (...given: unknown[]) => {
  const { values, options } = argumentsOf(given)
  const context = values.length > 1 ? values[1] : options.data.root
  const expression = textOf(values[0])
  charge(Math.ceil(expression.length / CHARACTERS_A_UNIT) * EXPRESSION_UNITS)
  return within(() => evaluate(expression, context, (mustache) => takeValue(mustache, context), charge))
})
handlebars.registerHelper(TAKE, (value: unknown) => {
  run.taken = value
})

function charge(units: number): void {
  run.work += units
  if (run.work > MAX_WORK) throw new Error('it takes too much work; its loops go through too much')
}

/** The rendering under way; rendering is synchronous, so there is only one. */
let run = newRun()

function newRun() {
  const taken: unknown = undefined
  return { turns: 0, steps: 0, work: 0, turnUnits: 1, isWithin: false, taken }
}

/**
 * Compiles once; the function renders without escaping anything.
 * @throws Handlebars' errors; the function throws them too
 */
export function compileTemplate(template: string): (context: TemplateContext) => string {
  const render = cached(template)
  return (context) => {
    run = newRun()
    run.turnUnits += Math.floor(template.length / CHARACTERS_A_UNIT)
    return render(context, NO_PROTOTYPES).replaceAll(NUL, '')
  }
}

/**
 * Templates come from a handful of notebooks; compiling costs 0.4 ms, rendering 7 µs. Bounded so that text from
 * outside cannot fill the memory.
 */
const MAX_COMPILED = 1000

const compiled = new Map<string, Handlebars.TemplateDelegate>()

function cached(template: string, read: (text: string) => hbs.AST.Program = readText): Handlebars.TemplateDelegate {
  const key = read === readText ? template : TAKE + template
  const old = compiled.get(key)
  if (old) return old
  if (run.isWithin) charge(COMPILE_UNITS + template.length * COMPILE_UNITS_A_CHARACTER)
  const fresh = handlebars.compile(read(template), { noEscape: true, preventIndent: true })
  if (compiled.size >= MAX_COMPILED) compiled.clear()
  compiled.set(key, fresh)
  return fresh
}

function readText(template: string): hbs.AST.Program {
  const program = handlebars.parse(template)
  prepare(program)
  return program
}

/** What a single `{{path}}` or `{{helper …}}` of an expression stands for. */
function takeValue(mustache: string, context: unknown): unknown {
  run.taken = undefined
  cached(mustache, readValue)(context, NO_PROTOTYPES)
  return run.taken
}

/** `{{helper a}}` becomes `{{take (helper a)}}`. */
function readValue(mustache: string): hbs.AST.Program {
  const program = handlebars.parse(mustache)
  const [statement, ...others] = program.body
  if (!statement || others.length > 0 || !isMustache(statement)) {
    throw new Error('in an expression {{…}} holds a path or a helper, no block')
  }
  const { path, params, hash, loc } = statement
  const isCall = params.length > 0 || ('original' in path && isHelper(path.original))
  const value: hbs.AST.Expression = isCall
    ? Object.assign({ type: 'SubExpression', path, params, loc }, hash ? { hash } : {})
    : path
  const take: hbs.AST.PathExpression = {
    type: 'PathExpression',
    data: false,
    depth: 0,
    parts: [TAKE],
    original: TAKE,
    loc,
  }
  program.body = [Object.assign(statement, { path: take, params: [value], hash: undefined })]
  return program
}

const isHelper = (name: unknown) => typeof name === 'string' && Object.hasOwn(handlebars.helpers, name)

/** As in the original neither may have one of the two within: that could go on for ever. */
function within<T>(work: () => T): T {
  if (run.isWithin) throw new Error('"template" and "evalExpression" can not be used within each other')
  run.isWithin = true
  try {
    return work()
  } finally {
    run.isWithin = false
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

const isMustache = (statement: hbs.AST.Statement): statement is hbs.AST.MustacheStatement =>
  statement.type === 'MustacheStatement'

/** Three loops of 10,000 within each other would hold the whole service up for hours, so `each` counts. */
function boundLoops(): void {
  const each = handlebars.helpers['each']
  handlebars.registerHelper('each', function (this: unknown, items: unknown, options?: Handlebars.HelperOptions) {
    if (!each || !options) throw new Error('"each" needs something to go through')
    let characters = 0
    const fn: Handlebars.TemplateDelegate = (context, runtime) => {
      run.turns += 1
      if (run.turns > MAX_TURNS) throw new Error(`its loops take more than ${MAX_TURNS} turns`)
      charge(run.turnUnits)
      const text = options.fn(context, runtime).replaceAll(NUL, '')
      characters += text.length
      if (characters > MAX_RENDERED) throw new Error(`it renders to more than ${MAX_RENDERED} characters`)
      return text
    }
    return each.call(this, items, { ...options, fn })
  })
}
