/**
 * Regular expressions as people write them for `match`, parsed into a small program. Everything of JavaScript's syntax
 * that can be matched in one pass is understood; what needs to look back or ahead is refused.
 */

/** One character; `cost` is about how many comparisons it takes to see. */
interface One {
  readonly kind: 'one'
  readonly holds: (code: number) => boolean
  readonly cost: number
}

export type Instruction =
  | One
  | { readonly kind: 'fork'; readonly first: number; readonly second: number }
  | { readonly kind: 'goto'; readonly next: number }
  | { readonly kind: 'at'; readonly holds: (text: string, index: number) => boolean }
  | { readonly kind: 'found' }

/** Instructions of a program: repetitions are written out, and every character costs a look at most of them. */
const MAX_PROGRAM = 2000

const MAX_LEVELS = 100

type Node =
  | One
  | { readonly kind: 'at'; readonly holds: (text: string, index: number) => boolean }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly choices: readonly Node[] }
  | { readonly kind: 'times'; readonly part: Node; readonly least: number; readonly most: number }

/** The program of a pattern. @throws when it is no regular expression, too large, or of a kind that is not supported */
export function compilePattern(source: string): Instruction[] {
  const parser = new Parser(source)
  const node = parser.choices(0)
  if (!parser.isAtEnd) throw parser.fault('")" closes nothing')
  const program: Instruction[] = []
  emit(node, program)
  program.push({ kind: 'found' })
  return program
}

function emit(node: Node, program: Instruction[]): void {
  if (program.length > MAX_PROGRAM) throw new Error('a regular expression is too large')
  switch (node.kind) {
    case 'one':
    case 'at':
      program.push(node)
      return
    case 'all':
      for (const part of node.parts) emit(part, program)
      return
    case 'either':
      emitChoices(node.choices, program)
      return
    case 'times':
      emitTimes(node, program)
  }
}

function emitChoices([first, ...others]: readonly Node[], program: Instruction[]): void {
  if (!first) return
  if (others.length === 0) {
    emit(first, program)
    return
  }
  const fork = program.push({ kind: 'found' }) - 1
  emit(first, program)
  const end = program.push({ kind: 'found' }) - 1
  program[fork] = { kind: 'fork', first: fork + 1, second: program.length }
  emitChoices(others, program)
  program[end] = { kind: 'goto', next: program.length }
}

function emitTimes({ part, least, most }: Extract<Node, { kind: 'times' }>, program: Instruction[]): void {
  for (let time = 0; time < least; time += 1) {
    const before = program.length
    emit(part, program)
    // Nothing is nothing however often: `(((){2000}){2000}){2000}` would be eight billion times that.
    if (program.length === before) break
  }
  const forks: number[] = []
  const optional = most === Number.POSITIVE_INFINITY ? 1 : most - least
  for (let time = 0; time < optional; time += 1) {
    forks.push(program.push({ kind: 'found' }) - 1)
    emit(part, program)
  }
  if (most === Number.POSITIVE_INFINITY) program.push({ kind: 'goto', next: forks[0] ?? 0 })
  for (const fork of forks) program[fork] = { kind: 'fork', first: fork + 1, second: program.length }
}

const isDigit = (code: number) => code >= 48 && code <= 57
const isWord = (code: number) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
const isSpace = (code: number) => /\s/.test(String.fromCharCode(code))
const isLineEnd = (code: number) => code === 10 || code === 13 || code === 0x2028 || code === 0x2029
const not = (holds: (code: number) => boolean) => (code: number) => !holds(code)

const isBoundary = (text: string, index: number) =>
  isWord(text.charCodeAt(index - 1)) !== isWord(text.charCodeAt(index))

const CLASSES: Readonly<Record<string, (code: number) => boolean>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 }

class Parser {
  #at = 0
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length
  }

  fault(what: string): Error {
    return new Error(`the regular expression ${JSON.stringify(this.#source.slice(0, 100))} is not supported: ${what}`)
  }

  choices(level: number): Node {
    if (level > MAX_LEVELS) throw this.fault('it has too many groups within groups')
    const choices = [this.#sequence(level)]
    while (this.#take('|')) choices.push(this.#sequence(level))
    return choices.length === 1 && choices[0] ? choices[0] : { kind: 'either', choices }
  }

  #sequence(level: number): Node {
    const parts: Node[] = []
    while (!this.isAtEnd && this.#next !== '|' && this.#next !== ')') parts.push(this.#repeated(level))
    return { kind: 'all', parts }
  }

  #repeated(level: number): Node {
    const part = this.#part(level)
    const range = this.#range()
    if (!range) return part
    if (part.kind === 'at') throw this.fault('a place in the text can not be repeated')
    this.#take('?') // lazy or not: whether there is a match is the same
    if (/^[*+?]/.test(this.#next) || this.#counted()) throw this.fault('nothing to repeat')
    return { kind: 'times', part, ...range }
  }

  #range(): { least: number; most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { least: 0, most: 1 }
    const counted = this.#counted()
    if (!counted) return undefined
    this.#at += counted.length
    if (counted.least > MAX_PROGRAM || (counted.most !== Number.POSITIVE_INFINITY && counted.most > MAX_PROGRAM)) {
      throw this.fault(`it repeats more than ${MAX_PROGRAM} times`)
    }
    if (counted.most < counted.least) throw this.fault('numbers of repetitions are out of order')
    return { least: counted.least, most: counted.most }
  }

  /** `{2}`, `{2,}` or `{2,5}` here; a brace that is none of these stands for itself. */
  #counted(): { length: number; least: number; most: number } | undefined {
    const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 30))
    if (!match) return undefined
    const [whole, least, comma, most] = match
    const upTo = comma === undefined ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)
    return { length: whole.length, least: Number(least), most: upTo }
  }

  #part(level: number): Node {
    if (this.#counted()) throw this.fault('nothing to repeat')
    const character = this.#read()
    switch (character) {
      case '(':
        return this.#group(level)
      case '[':
        return this.#set()
      case '.':
        return { kind: 'one', holds: not(isLineEnd), cost: 1 }
      case '^':
        return { kind: 'at', holds: (_, index) => index === 0 }
      case '$':
        return { kind: 'at', holds: (text, index) => index === text.length }
      case '*':
      case '+':
      case '?':
        throw this.fault('nothing to repeat')
      case '\\':
        return this.#escaped()
      default:
        return exactly(character.charCodeAt(0))
    }
  }

  #group(level: number): Node {
    if (this.#next === '?') {
      const [opening] = /^\?(?::|<[\p{L}_$][\p{L}\d_$]*>)/u.exec(this.#source.slice(this.#at, this.#at + 100)) ?? []
      if (!opening) throw this.fault('groups that look ahead or behind, or change flags')
      this.#at += opening.length
    }
    const inside = this.choices(level + 1)
    if (!this.#take(')')) throw this.fault('a group is not closed')
    return inside
  }

  #escaped(): Node {
    const letter = this.#next
    if (letter === 'b' || letter === 'B') {
      this.#at += 1
      return { kind: 'at', holds: letter === 'b' ? isBoundary : (text, index) => !isBoundary(text, index) }
    }
    const found = this.#escape()
    return typeof found === 'number' ? exactly(found) : { kind: 'one', holds: found, cost: 2 }
  }

  /** What follows a backslash: one character, or a class of them. */
  #escape(): number | ((code: number) => boolean) {
    const letter = this.#read()
    const known = Object.hasOwn(CLASSES, letter) ? CLASSES[letter] : undefined
    if (known) return known
    if (letter === '0' && /^\d/.test(this.#next)) throw this.fault('octal escapes')
    const control = Object.hasOwn(CONTROLS, letter) ? CONTROLS[letter] : undefined
    if (control !== undefined) return control
    if (letter === 'x' || letter === 'u') {
      const digits = this.#source.slice(this.#at, this.#at + (letter === 'x' ? 2 : 4))
      if (!/^(?:[\da-f]{2}|[\da-f]{4})$/i.test(digits) || digits.length !== (letter === 'x' ? 2 : 4)) {
        throw this.fault(`"\\${letter}" without its digits`)
      }
      this.#at += digits.length
      return Number.parseInt(digits, 16)
    }
    if (/[a-z\d]/i.test(letter)) throw this.fault(`"\\${letter}"`)
    return letter.charCodeAt(0)
  }

  /** The rest of a `[…]`. */
  #set(): One {
    const isOut = this.#take('^')
    const classes: ((code: number) => boolean)[] = []
    const ranges: [number, number][] = []
    while (!this.#take(']')) {
      const from = this.#member()
      if (typeof from !== 'number') {
        classes.push(from)
        continue
      }
      const isRange = this.#next === '-' && this.#source[this.#at + 1] !== ']'
      if (!isRange) {
        ranges.push([from, from])
        continue
      }
      this.#at += 1
      const to = this.#member()
      if (typeof to !== 'number') throw this.fault('a range that ends with a class')
      if (to < from) throw this.fault('a range is out of order')
      ranges.push([from, to])
    }
    const holds = (code: number) =>
      ranges.some(([from, to]) => code >= from && code <= to) || classes.some((known) => known(code))
    return { kind: 'one', holds: isOut ? not(holds) : holds, cost: 1 + ranges.length + classes.length }
  }

  #member(): number | ((code: number) => boolean) {
    const character = this.#read()
    if (character !== '\\') return character.charCodeAt(0)
    return this.#take('b') ? 8 : this.#escape()
  }

  get #next(): string {
    return this.#source[this.#at] ?? ''
  }

  #read(): string {
    if (this.isAtEnd) throw this.fault('it ends too early')
    const character = this.#next
    this.#at += 1
    return character
  }

  #take(character: string): boolean {
    if (this.#next !== character) return false
    this.#at += 1
    return true
  }
}

const exactly = (wanted: number): Node => ({ kind: 'one', holds: (code) => code === wanted, cost: 1 })
