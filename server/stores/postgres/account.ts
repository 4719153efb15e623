/**
 * Decides which system user the embedded server runs as. PostgreSQL refuses to run as root, so as root we borrow an
 * account that exists; as anybody else we stay who we are.
 */

import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'

export interface Account {
  readonly uid: number
  readonly gid: number
}

/** The account to run as, or undefined for "as ourselves". A cluster that exists is always run by the one who owns it. */
export async function serverAccount(clusterDir: string): Promise<Account | undefined> {
  const owner = await stat(clusterDir).catch(() => undefined)
  const ourUid = process.getuid?.()
  if (owner && owner.uid !== ourUid && ourUid !== 0) {
    throw new Error(
      `${clusterDir} belongs to user ${owner.uid}, and this process runs as user ${ourUid}. ` +
        'Start Fieldbook as that user, or choose another FIELDBOOK_DATA_DIR.',
    )
  }
  if (ourUid !== 0) return undefined
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : borrowedAccount()
}

/** Whether the account can enter every folder on the way to these paths; asks the kernel, so access lists count too. */
export function canReach(account: Account, paths: readonly string[]): Promise<boolean> {
  const script = 'for path do test -x "$path" || exit 1; done'
  const options = { uid: account.uid, gid: account.gid, cwd: '/', env: {}, timeout: 10_000 }
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', script, 'sh', ...paths], options, (error) => resolve(!error))
  })
}

/** Only accounts in /etc/passwd will do: initdb looks its user up and fails with a bare number. */
async function borrowedAccount(): Promise<Account> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(([name]) => name === wanted) ?? []
    if (uid && gid && uid !== '0') return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    'PostgreSQL does not run as root, and /etc/passwd has neither a "postgres" nor a "nobody" user to run it as. ' +
      'Start Fieldbook as an ordinary user, or set DATABASE_URL.',
  )
}
