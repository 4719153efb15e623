// Finds pip without installing it: the wheel inside Python's ensurepip, Debian's copy of it, or Debian's package
// fetched for the purpose. A fresh Debian has Python but none of the first two.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasApt, unpackPackages } from '../apt.mjs'
import { runCommand } from '../command.mjs'
import { SetupFailure } from '../failure.mjs'
import { pythonEnv } from './python.mjs'

/** Unpacks a pip into `folder` and returns the path that Python runs as a program. */
export async function placePip({ python, wheels, folder, say }) {
  const wheel = wheels.at(-1) ?? (await fetchWheel(folder, say))
  // Run from the folder, not from the wheel: reading modules out of a zip takes pip a second at each start.
  const { ok, tail } = await runCommand(python, ['-I', '-m', 'zipfile', '-e', wheel, folder], { env: pythonEnv() })
  if (!ok) throw new SetupFailure(`pip could not be unpacked: ${tail}`, 'Install pip for this Python.')
  return join(folder, 'pip')
}

async function fetchWheel(folder, say) {
  const advice = 'Install pip for this Python (on Debian and Ubuntu: apt install python3-venv).'
  if (!hasApt()) throw new SetupFailure('This Python comes without pip.', advice)
  const into = join(folder, 'wheel')
  try {
    await unpackPackages(['python3-pip-whl'], { required: ['python3-pip-whl'], into, say })
  } catch (error) {
    throw new SetupFailure(`This Python comes without pip, and it could not be fetched (${error.message}).`, advice)
  }
  const wheels = join(into, 'usr', 'share', 'python-wheels')
  const name = readdirSync(wheels).find((file) => file.startsWith('pip-'))
  return join(wheels, name)
}
