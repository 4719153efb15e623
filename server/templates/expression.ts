/**
 * Expressions of `evalExpression` (behaviour dossier §5): JavaScript-like, with `{{…}}` or plain paths for values. jsep
 * only parses; here the few kinds of nodes that are allowed are computed. Nothing is called but the functions listed, and
 * nothing is looked up but own properties.
 */

import jsep from 'jsep'
import { collections, includesValue } from './collections.ts'
import { encodings } from './encodings.ts'
import { formats } from './formats.ts'
import { numbers } from './numbers.ts'
import { positions } from './positions.ts'
import { texts } from './texts.ts'
import { bounded, type Charge, isComposite, ownOf, textOf, type ValueHelper, workOf } from './values.ts'

/** Longer than any formula of a person; also bounds how deep its parts may be within each other. */
const MAX_EXPRESSION = 2048

/** Stands for the value of a `{{…}}` within the parsed text: a letter no keyboard has, and its number. */
const PLACEHOLDER = '\uE000'

/** `{{…}}`, in which text in quotes may have braces. */
const MUSTACHE = /\{\{(?:[^{}"']|"[^"]*"|'[^']*')*\}\}/g

// As in the original `^` is a power; it binds closer than `*` and from the right.
jsep.addBinaryOp('^', 11, true)

/**
 * What an expression comes to.
 * @param taken what a `{{…}}` in it stands for
 * @param charge counts the work of functions, by what they are given
 * @throws when it can't be parsed, or has anything in it that is not allowed
 */
export function evaluate(
  text: string,
  context: unknown,
  taken: (mustache: string) => unknown,
  charge: Charge = () => {},
): unknown {
  if (text.length > MAX_EXPRESSION) throw new Error(`an expression has at most ${MAX_EXPRESSION} characters`)
  const given = new Map<string, unknown>()
  const plain = text.replaceAll(MUSTACHE, (mustache) => {
    const name = `${PLACEHOLDER}${given.size}`
    given.set(name, taken(mustache))
    return ` ${name} `
  })
  const find = (name: string) => {
    if (given.has(name)) return given.get(name)
    return CONSTANTS.has(name) ? CONSTANTS.get(name) : ownOf(context, name)
  }
  return compute(jsep(plain), Object.assign(find, { charge }))
}

const CONSTANTS = new Map<string, unknown>([
  ['undefined', undefined],
  ['PI', Math.PI],
  ['E', Math.E],
])

interface Names {
  (name: string): unknown
  readonly charge: Charge
}

function compute(expression: jsep.Expression, names: Names): unknown {
  // jsep's own type leaves every property open; this is the union of the nodes it makes.
  const node = expression as jsep.CoreExpression
  switch (node.type) {
    case 'Literal':
      return node.value
    case 'Identifier':
      return names(node.name)
    case 'ArrayExpression':
      return bounded(node.elements.map((element) => element && compute(element, names)))
    case 'MemberExpression':
      return ownOf(compute(node.object, names), propertyOf(node, names))
    case 'UnaryExpression':
      return unary(node.operator, compute(node.argument, names))
    case 'BinaryExpression':
      return binary(node, names)
    case 'ConditionalExpression':
      return compute(compute(node.test, names) ? node.consequent : node.alternate, names)
    case 'CallExpression':
      return call(node, names)
    default:
      throw new Error('an expression is one formula of values, operators and functions')
  }
}

const propertyOf = (node: jsep.MemberExpression, names: Names): string =>
  node.computed ? textOf(compute(node.property, names)) : String(node.property['name'])

function unary(operator: string, value: unknown): unknown {
  switch (operator) {
    case '!':
      return !value
    case '-':
      return -number(value)
    case '+':
      return number(value)
    default:
      throw unknownOperator(operator)
  }
}

function binary({ operator, left, right }: jsep.BinaryExpression, names: Names): unknown {
  const first = compute(left, names)
  if (operator === '&&') return first && compute(right, names)
  if (operator === '||') return first || compute(right, names)
  const operate = OPERATORS.get(operator)
  if (!operate) throw unknownOperator(operator)
  return operate(first, compute(right, names))
}

const unknownOperator = (operator: string) => new Error(`expressions have no operator "${operator}"`)

/** Objects and arrays are no numbers, whatever they could be cast to. */
const number = (value: unknown): number => (isComposite(value) ? Number.NaN : Number(value))

/** What may be compared or added as JavaScript does it. */
const simple = (value: unknown): string | number | boolean | null | undefined => {
  if (value instanceof Date) return value.getTime()
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    default:
      return value === null ? null : Number.NaN
  }
}

type Operate = (a: unknown, b: unknown) => unknown

const ordered =
  (compare: (a: string | number, b: string | number) => boolean): Operate =>
  (a, b) => {
    const [left, right] = [simple(a), simple(b)]
    return typeof left === 'string' && typeof right === 'string'
      ? compare(left, right)
      : compare(number(left), number(right))
  }

const arithmetic =
  (operate: (a: number, b: number) => number): Operate =>
  (a, b) =>
    operate(number(a), number(b))

function add(a: unknown, b: unknown): unknown {
  const [left, right] = [simple(a), simple(b)]
  const isText = typeof left === 'string' || typeof right === 'string'
  return isText ? bounded(`${left}${right}`) : number(left) + number(right)
}

function looselyEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  const [left, right] = [simple(a), simple(b)]
  // Numbers, texts and truths are compared as JavaScript's == compares them; nothing only equals nothing.
  if (left === null || left === undefined || right === null || right === undefined)
    return (left ?? null) === (right ?? null)
  return typeof left === typeof right ? left === right : Number(left) === Number(right)
}

const OPERATORS = new Map<string, Operate>([
  ['+', add],
  ['-', arithmetic((a, b) => a - b)],
  ['*', arithmetic((a, b) => a * b)],
  ['/', arithmetic((a, b) => a / b)],
  ['%', arithmetic((a, b) => a % b)],
  ['^', arithmetic((a, b) => a ** b)],
  ['>>', arithmetic((a, b) => a >> b)],
  ['<<', arithmetic((a, b) => a << b)],
  ['==', looselyEqual],
  ['!=', (a, b) => !looselyEqual(a, b)],
  ['===', (a, b) => a === b],
  ['!==', (a, b) => a !== b],
  ['>', ordered((a, b) => a > b)],
  ['>=', ordered((a, b) => a >= b)],
  ['<', ordered((a, b) => a < b)],
  ['<=', ordered((a, b) => a <= b)],
])

const MATH = [
  'sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh atan2 sqrt log log10 abs ceil floor round trunc exp pow',
].flatMap((names) => names.split(' '))

const FUNCTIONS = new Map<string, ValueHelper>([
  ...[texts, numbers, collections, encodings, formats, positions].flatMap((group) => Object.entries(group)),
  ['includes', includesValue],
  ...MATH.map((name): [string, ValueHelper] => {
    const compute: unknown = Reflect.get(Math, name)
    if (typeof compute !== 'function') throw new Error(`Math has no ${name}`)
    return [name, (...values) => compute(...values.map(number))]
  }),
])

function call({ callee, arguments: given }: jsep.CallExpression, names: Names): unknown {
  const name = callee.type === 'Identifier' ? String(callee['name']) : ''
  const run = FUNCTIONS.get(name)
  if (!run) throw new Error(`expressions have no function "${name}"`)
  const values = given.map((argument) => compute(argument, names))
  names.charge(workOf(values))
  return bounded(run(...values))
}
