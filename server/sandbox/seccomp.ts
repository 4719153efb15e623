/**
 * Assembles the system call filter of a sandbox as a classic BPF program (struct sock_filter[], as bwrap --seccomp reads it).
 * Everything is allowed except a list; a refused call fails with an error code, because a kill would look like a crash.
 */
import { BARE_CALLS } from './bare-calls.ts'
import { type Architecture, DENIED, NUMBERS } from './syscalls.ts'

const LOAD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_AT_LEAST = 0x35
const JUMP_ANY_BIT = 0x45
const RETURN = 0x06

const ALLOW = 0x7fff0000
const KILL_PROCESS = 0x80000000
const ERRNO = 0x00050000
/** The call is left out, and its caller told that it went well. */
const DONE = 0
const EPERM = 1
const EACCES = 13
const ENOSYS = 38
const EAFNOSUPPORT = 97

// Offsets in struct seccomp_data; arguments are 64 bits wide and little-endian on both architectures.
const NUMBER = 0
const ARCHITECTURE = 4
const ARGUMENT_0 = 16
const ARGUMENT_1 = 24

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}: a namespace of one's own is where most kernel holes are reached from. */
const NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (getifaddrs). Not AF_ALG, AF_PACKET, AF_VSOCK and the rest. */
const SOCKET_FAMILIES = [1, 2, 10, 16]
/** TIOCSTI and TIOCLINUX push keystrokes into a terminal. */
const TERMINAL_INJECTION = [0x5412, 0x541c]

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

/**
 * What stands behind the filter. Without namespaces no socket can be opened (socketpair stays, and what has been opened
 * before), and with the user id of the service no mode, time or attribute of a file be changed: that is answered as done,
 * because copying and unpacking files end in it.
 */
export type Behind = 'namespaces' | 'own user id' | 'shared user id'

/** The filter for one architecture; a program of another architecture (32-bit code, say) is killed. */
export function seccompProgram(architecture: Architecture, behind: Behind = 'namespaces'): Buffer {
  const { audit, calls, ownDenied } = NUMBERS[architecture]
  return assemble([
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
    ...(architecture === 'x64' ? x32Refused() : []),
    ...DENIED.flatMap((name) => refuse(calls[name], EPERM)),
    ...ownDenied.flatMap((number) => refuse(number, EPERM)),
    // clone3 takes its flags from memory, where a filter can't see them; glibc falls back to clone on ENOSYS.
    ...refuse(calls.clone3, ENOSYS),
    ...whenCalled(calls.clone, ARGUMENT_0, [
      [JUMP_ANY_BIT, 0, 1, NAMESPACE_FLAGS],
      [RETURN, 0, 0, ERRNO | EPERM],
    ]),
    ...whenCalled(
      calls.ioctl,
      ARGUMENT_1,
      TERMINAL_INJECTION.flatMap((request) => refuse(request, EPERM)),
    ),
    ...(behind === 'namespaces'
      ? whenCalled(calls.socket, ARGUMENT_0, onlySocketFamilies())
      : bareRefused(architecture, behind)),
    [RETURN, 0, 0, ALLOW],
  ])
}

function bareRefused(architecture: Architecture, behind: Behind): Instruction[] {
  const { refused, prlimit, labels } = BARE_CALLS[architecture]
  return [
    ...refuse(NUMBERS[architecture].calls.socket, EACCES),
    ...refused.flatMap((number) => refuse(number, EPERM)),
    ...whenCalled(prlimit, ARGUMENT_0, [
      [JUMP_EQUAL, 1, 0, 0],
      [RETURN, 0, 0, ERRNO | EPERM],
    ]),
    ...(behind === 'shared user id' ? labels.flatMap((number) => refuse(number, DONE)) : []),
  ]
}

/** x86-64's other ABI numbers its calls from 2^30 and would walk past a list of plain numbers. */
function x32Refused(): Instruction[] {
  return [
    [JUMP_AT_LEAST, 0, 1, 0x40000000],
    [RETURN, 0, 0, ERRNO | ENOSYS],
  ]
}

function refuse(value: number, errno: number): Instruction[] {
  return [
    [JUMP_EQUAL, 0, 1, value],
    [RETURN, 0, 0, ERRNO | errno],
  ]
}

/** Runs `body` on one argument of one call, then puts the call's number back for the tests that follow. */
function whenCalled(call: number, argument: number, body: readonly Instruction[]): Instruction[] {
  return [[JUMP_EQUAL, 0, body.length + 2, call], [LOAD, 0, 0, argument], ...body, [LOAD, 0, 0, NUMBER]]
}

function onlySocketFamilies(): Instruction[] {
  const tests = SOCKET_FAMILIES.map((family, index): Instruction => {
    return [JUMP_EQUAL, SOCKET_FAMILIES.length - index, 0, family]
  })
  return [...tests, [RETURN, 0, 0, ERRNO | EAFNOSUPPORT]]
}

function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(ifTrue, index * 8 + 2)
    bytes.writeUInt8(ifFalse, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  })
  return bytes
}
