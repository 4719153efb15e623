/** The system call filter, run by a small interpreter of the kernel's language: what is refused, on both architectures. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { BARE_CALLS } from '../../server/sandbox/bare-calls.ts'
import { seccompProgram } from '../../server/sandbox/seccomp.ts'
import { DENIED, NUMBERS } from '../../server/sandbox/syscalls.ts'

const ALLOWED = 'allowed'
const KILLED = 'killed'
const DONE = 0
const EPERM = 1
const EACCES = 13
const ENOSYS = 38
const EAFNOSUPPORT = 97

interface Call {
  readonly number: number
  readonly args?: readonly number[]
  readonly audit: number
}

/** What the filter answers: an error number, or one of the two words. */
function decide(program: Buffer, call: Call): number | string {
  const data = Buffer.alloc(64)
  data.writeInt32LE(call.number | 0, 0)
  data.writeUInt32LE(call.audit, 4)
  call.args?.forEach((value, index) => void data.writeBigUInt64LE(BigInt(value), 16 + 8 * index))
  let accumulator = 0
  for (let at = 0; at < program.length; at += 8) {
    const [code, yes, no] = [program.readUInt16LE(at), program.readUInt8(at + 2), program.readUInt8(at + 3)]
    const value = program.readUInt32LE(at + 4)
    const jump = (isSo: boolean) => {
      at += 8 * (isSo ? yes : no)
    }
    if (code === 0x20) accumulator = data.readUInt32LE(value)
    else if (code === 0x15) jump(accumulator === value)
    else if (code === 0x35) jump(accumulator >= value)
    else if (code === 0x45) jump((accumulator & value) !== 0)
    else if (code === 0x06) return verdict(value)
    else assert.fail(`instruction ${code}`)
  }
  return assert.fail('the program ran over its end')
}

function verdict(value: number): number | string {
  if (value === 0x7fff0000) return ALLOWED
  if (value === 0x80000000) return KILLED
  assert.equal(value >>> 16, 5)
  return value & 0xffff
}

for (const architecture of ['x64', 'arm64'] as const) {
  const { audit, calls, ownDenied } = NUMBERS[architecture]
  const own = seccompProgram(architecture)
  const none = seccompProgram(architecture, 'own user id')
  const ask = (number: number, ...args: number[]) => decide(own, { number, args, audit })

  test(`every listed call is refused and every other number goes through (${architecture})`, () => {
    const denied = new Set<number>([...DENIED.map((name) => calls[name]), ...ownDenied])
    assert.equal(denied.size, DENIED.length + ownDenied.length, 'two calls have one number')
    const inspected = [calls.clone, calls.clone3, calls.ioctl, calls.socket]
    for (let number = 0; number < 600; number++) {
      if (inspected.includes(number)) continue
      assert.equal(ask(number), denied.has(number) ? EPERM : ALLOWED, `call ${number}`)
    }
  })

  test(`a process can be forked, but into no namespace of its own (${architecture})`, () => {
    assert.equal(ask(calls.clone, 17), ALLOWED)
    assert.equal(ask(calls.clone, 0x3d0f00), ALLOWED, 'a thread')
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
      assert.equal(ask(calls.clone, flag | 17), EPERM, flag.toString(16))
    assert.equal(ask(calls.clone3), ENOSYS)
  })

  test(`sockets are of few families, and of none where no network namespace stands behind (${architecture})`, () => {
    const families = [1, 2, 10, 16]
    for (let family = 0; family < 50; family++) {
      assert.equal(ask(calls.socket, family), families.includes(family) ? ALLOWED : EAFNOSUPPORT)
      assert.equal(decide(none, { number: calls.socket, args: [family], audit }), EACCES)
    }
  })

  test(`without namespaces nothing is made that outlives the run, and no other process is changed (${architecture})`, () => {
    const shared = seccompProgram(architecture, 'shared user id')
    const { refused, prlimit, labels } = BARE_CALLS[architecture]
    const answers = (number: number, ...args: number[]) =>
      [own, none, shared].map((program) => decide(program, { number, args, audit }))
    for (const number of refused) assert.deepEqual(answers(number), [ALLOWED, EPERM, EPERM], `call ${number}`)
    assert.deepEqual(answers(prlimit, 0), [ALLOWED, ALLOWED, ALLOWED])
    assert.deepEqual(answers(prlimit, 4711), [ALLOWED, EPERM, EPERM])
    for (const number of labels) assert.deepEqual(answers(number), [ALLOWED, ALLOWED, DONE], `call ${number}`)
  })

  test(`keystrokes can't be pushed into a terminal (${architecture})`, () => {
    assert.equal(ask(calls.ioctl, 0, 0x5412), EPERM)
    assert.equal(ask(calls.ioctl, 0, 0x541c), EPERM)
    assert.equal(ask(calls.ioctl, 0, 0x5413), ALLOWED, 'the size of the window')
  })

  test(`a program of another architecture is killed (${architecture})`, () => {
    const other = architecture === 'x64' ? NUMBERS.arm64.audit : NUMBERS.x64.audit
    assert.equal(decide(own, { number: 0, audit: other }), KILLED)
    assert.equal(decide(own, { number: 0, audit: 0x40000003 }), KILLED, '32-bit code')
  })
}

test('the other ABI of x86-64, which numbers the same calls from 2^30, is refused', () => {
  const { audit, calls } = NUMBERS.x64
  assert.equal(decide(seccompProgram('x64'), { number: 0x40000000 + calls.ptrace, audit }), ENOSYS)
})
