// Set-up failures told to a person: which step, why, what to do. The machine's error codes end here.
import { root, stateFolder } from './places.mjs'

/**
 * Thrown by a step that cannot go on.
 * Cause: the machine lacks something (network, disk, Python). Handled by: run.mjs, which prints it and exits with 1.
 */
export class SetupFailure extends Error {
  constructor(reason, advice) {
    super(reason)
    this.reason = reason
    this.advice = advice
  }
}

/** Gives any error of a step its final form; what is no machine problem is returned as it is, for it is our bug. */
export function explainFailure(error, { name, number, total }) {
  const known = error instanceof SetupFailure ? error : explainCode(error)
  if (!known) return error
  const told = new SetupFailure(known.reason, known.advice)
  told.message = [
    '',
    `The set-up stopped at step ${number} of ${total}, ${name}.`,
    `  Why:        ${indent(known.reason)}`,
    `  What to do: ${indent(known.advice)}`,
    '  Then run the same command again; the steps already finished are kept.',
  ].join('\n')
  return told
}

/** Recognises a full disk in what a program printed, which would otherwise be told as a problem of the network. */
export function diskIsFull(output) {
  return /No space left on device|ENOSPC|Disk quota exceeded/i.test(output)
}

/** The failure for a disk that ran full while a step was at work. */
export function fullDisk() {
  return new SetupFailure(`The disk that holds ${root} is full.`, 'Free some space (2 GB is plenty).')
}

function explainCode(error) {
  const path = error?.path ?? stateFolder
  if (error?.code === 'ENOSPC' || error?.code === 'EDQUOT') return fullDisk()
  if (error?.code === 'EACCES' || error?.code === 'EPERM') {
    return new SetupFailure(
      `This user may not write ${path}.`,
      `If an earlier set-up ran as another user (with sudo, say), give the files to this one:\nsudo chown -R "$(id -un)" "${root}"`,
    )
  }
  if (error?.code === 'EROFS') {
    return new SetupFailure(`${path} is on a read-only file system.`, 'Copy the repository to a folder you can write.')
  }
  return undefined
}

function indent(text) {
  return text.replaceAll('\n', '\n              ')
}
