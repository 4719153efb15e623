// Where the set-up finds the repository and where it keeps what it makes: everything lies under `.fieldbook/`.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const stateFolder = join(root, '.fieldbook')

/** Writes a file so that a reader sees the old text or the new one, never a half: stamps and records rely on it. */
export function writeWhole(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.new`
  writeFileSync(temporary, text)
  renameSync(temporary, path)
}
