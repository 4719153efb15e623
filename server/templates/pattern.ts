/**
 * Whether text matches a regular expression, in time that grows with both lengths only: all ways through the pattern are
 * followed at once, character by character (Thompson 1968), so nothing is ever tried twice. JavaScript's own matcher goes
 * back, which takes centuries for `(a+)+$` and forty letters.
 */

import { compilePattern, type Instruction } from './pattern-syntax.ts'

const MAX_PATTERN = 500

/** Instructions looked at for one rendering: about 20 ms. */
export const MAX_STEPS = 1_000_000

const MAX_COMPILED = 200
const compiled = new Map<string, Instruction[]>()

export interface Steps {
  /** Counted up by every match. */
  steps: number
}

/**
 * Whether the pattern is found anywhere in the text, as `RegExp.test` without flags says it.
 * @throws when the pattern is not supported, or takes more steps than are left
 */
export function matches(text: string, pattern: string, used: Steps): boolean {
  if (pattern.length > MAX_PATTERN) throw new Error(`a regular expression has at most ${MAX_PATTERN} characters`)
  const program = programOf(pattern)
  const stamps = new Uint32Array(program.length)
  const enter = (start: number, index: number, waiting: number[]) =>
    follow(start, program, { text, index }, waiting, stamps, used)
  let current: number[] = []
  for (let index = 0; index <= text.length; index += 1) {
    // A match may begin at every character.
    if (enter(0, index, current)) return true
    if (index === text.length) return false
    const code = text.charCodeAt(index)
    const next: number[] = []
    for (const at of current) {
      const instruction = program[at]
      if (instruction?.kind !== 'one') continue
      used.steps += instruction.cost
      if (instruction.holds(code) && enter(at + 1, index + 1, next)) return true
    }
    current = next
  }
  return false
}

/**
 * Puts every instruction that waits for a character and can be reached from `start` without one on `waiting`, each one
 * once for each place in the text. True when the end of the pattern can be reached.
 */
function follow(
  start: number,
  program: readonly Instruction[],
  { text, index }: { text: string; index: number },
  waiting: number[],
  stamps: Uint32Array,
  used: Steps,
): boolean {
  const open = [start]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (stamps[at] === index + 1) continue
    stamps[at] = index + 1
    used.steps += 1
    if (used.steps > MAX_STEPS)
      throw new Error('its regular expressions take too long; shorten the text or the pattern')
    const instruction = program[at]
    switch (instruction?.kind) {
      case 'found':
        return true
      case 'one':
        waiting.push(at)
        break
      case 'goto':
        open.push(instruction.next)
        break
      case 'fork':
        open.push(instruction.second, instruction.first)
        break
      case 'at':
        if (instruction.holds(text, index)) open.push(at + 1)
        break
    }
  }
  return false
}

function programOf(pattern: string): Instruction[] {
  const old = compiled.get(pattern)
  if (old) return old
  const fresh = compilePattern(pattern)
  if (compiled.size >= MAX_COMPILED) compiled.clear()
  compiled.set(pattern, fresh)
  return fresh
}
