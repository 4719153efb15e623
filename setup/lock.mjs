// One set-up at a time: a lock file that names the process holding it, so that the lock of a killed one is known as dead.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { endLeftOver, identityOf, livingPid } from './identity.mjs'
import { stateFolder } from './places.mjs'

const lockFile = join(stateFolder, 'setup.lock')
const LOOK_EVERY_MS = 300

/** Waits until no other set-up of this repository runs, says so once, and returns the function that lets go. */
export async function takeLock() {
  mkdirSync(stateFolder, { recursive: true })
  const own = identityOf(process.pid) ?? `${process.pid} unknown`
  let told = false
  while (!placeLock(own)) {
    const holder = readLock()
    if (holder === undefined) continue
    if (livingPid(holder) === undefined) {
      removeDead(holder)
      continue
    }
    if (!told) console.error(`Another set-up is running (process ${holder.split(' ')[0]}); waiting for it …`)
    told = true
    await wait(LOOK_EVERY_MS)
  }
  const release = () => {
    if (readLock() !== own) return
    endLeftOver()
    rmSync(lockFile, { force: true })
  }
  process.once('exit', release)
  endLeftOver()
  return release
}

/** A link appears with its content and fails when the name exists: two processes can't both succeed. */
function placeLock(own) {
  const draft = `${lockFile}.${process.pid}`
  writeFileSync(draft, own)
  try {
    linkSync(draft, lockFile)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves a dead lock away; if a new one slipped in between, it is put back. */
function removeDead(holder) {
  const aside = `${lockFile}.dead.${process.pid}`
  try {
    renameSync(lockFile, aside)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  if (readFileSync(aside, 'utf8') === holder) rmSync(aside, { force: true })
  else renameSync(aside, lockFile)
}

function readLock() {
  try {
    return readFileSync(lockFile, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
