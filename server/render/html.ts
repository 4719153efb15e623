/**
 * A page by a fresh process in bubblewrap: where there is no fork server, with the sandbox off for example. It takes a
 * second, most of it for imports. The page may hold scripts; whoever serves it must box it in.
 */
import { chmod, chown, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RUNNER } from '../kernel/kernel.ts'
import { fontMounts, HOME, systemEnvironment } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import { openSandbox } from '../sandbox/process.ts'
import type { Mount, SandboxLimits } from '../sandbox/spec.ts'
import { failed, type Rendered, type RenderRequest, whyFailed } from './rendering.ts'

export interface FreshOptions extends RenderRequest {
  readonly host: SandboxHost
  readonly limits: SandboxLimits
  readonly deadlineMs: number
}

/** Rejects only when `signal` was aborted before it began. */
export async function renderFresh(options: FreshOptions): Promise<Rendered> {
  const { image, host, limits, signal } = options
  await using parts = new AsyncDisposableStack()
  // Beside the target, so that the finished page only has to be renamed.
  const folder = await mkdtemp(join(dirname(options.path), '.render-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const { uid, release } = host.takeUid()
  parts.defer(release)
  if (uid !== undefined && host.level > 0) await chown(folder, uid, uid)

  const places = placesOf(options, folder)
  const converter = parts.use(
    await openSandbox(
      {
        command: [
          image.python,
          join(places.runner, 'render_html.py'),
          places.notebook,
          join(places.out, 'page.html'),
          options.title,
        ],
        cwd: places.out,
        env: systemEnvironment(image, host.level === 0 ? folder : HOME),
        mounts: places.mounts,
        limits,
        ...(uid === undefined ? {} : { uid }),
      },
      host,
      signal ? { signal } : {},
    ),
  )
  const deadline = setTimeout(() => converter.end('timeout'), options.deadlineMs)
  const ending = await converter.exited
  clearTimeout(deadline)
  const page = join(folder, 'page.html')
  const made =
    ending.reason === 'exited' && ending.exitCode === 0 ? await lstat(page).catch(() => undefined) : undefined
  if (!made?.isFile()) return failed(whyFailed('The conversion to HTML', ending), ending)
  if (uid !== undefined && host.level > 0) await chown(page, host.ownUid, process.getgid?.() ?? 0)
  await chmod(page, 0o600)
  await rename(page, options.path)
  return { kind: 'rendered', sizeBytes: made.size }
}

interface Places {
  readonly notebook: string
  readonly out: string
  readonly runner: string
  readonly mounts: readonly Mount[]
}

function placesOf({ image, host, ipynbPath }: FreshOptions, folder: string): Places {
  if (host.level === 0) return { notebook: ipynbPath, out: folder, runner: RUNNER, mounts: [] }
  const inside = { notebook: '/in/notebook.ipynb', out: '/out', runner: '/runner' }
  return {
    ...inside,
    mounts: [
      ...image.mounts,
      ...fontMounts(image),
      { source: ipynbPath, target: inside.notebook },
      { source: folder, target: inside.out, writable: true },
      { source: RUNNER, target: inside.runner },
    ],
  }
}
