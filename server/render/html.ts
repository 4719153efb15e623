/**
 * A notebook as a web page, made by nbconvert inside a sandbox like any notebook's: what it converts is not trusted, and
 * converters have had holes of their own (CVE-2026-39378). The page may hold scripts; whoever serves it must box it in.
 */
import { chmod, chown, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fontMounts, HOME, systemEnvironment } from '../sandbox/environment.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import { type Ending, openSandbox } from '../sandbox/process.ts'
import type { Mount, SandboxLimits } from '../sandbox/spec.ts'

export type Rendered =
  | { readonly kind: 'rendered'; readonly sizeBytes: number }
  | { readonly kind: 'failed'; readonly message: string; readonly ending?: Ending }

export interface RenderOptions {
  readonly image: Image
  readonly host: SandboxHost
  readonly ipynbPath: string
  /** Written whole or not at all; its folder must be writable for the service. */
  readonly htmlPath: string
  readonly title: string
  readonly limits: SandboxLimits
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

const RUNNER = fileURLToPath(new URL('../../runner', import.meta.url))

/** A conversion that fails, takes too long or is canceled is a value; it rejects only when `signal` was aborted before it began. */
export async function renderHtml(options: RenderOptions): Promise<Rendered> {
  const { image, host, limits, signal } = options
  if (host.level === 1)
    return { kind: 'failed', message: 'Pages are made behind namespaces, which this machine forbids' }
  await using parts = new AsyncDisposableStack()
  // Beside the target, so that the finished page only has to be renamed.
  const folder = await mkdtemp(join(dirname(options.htmlPath), '.render-'))
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
          join(places.runner, 'render/template'),
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
  if (!made?.isFile()) return { kind: 'failed', message: whyFailed(ending), ending }
  if (uid !== undefined && host.level > 0) await chown(page, host.ownUid, process.getgid?.() ?? 0)
  await chmod(page, 0o600)
  await rename(page, options.htmlPath)
  return { kind: 'rendered', sizeBytes: made.size }
}

interface Places {
  readonly notebook: string
  readonly out: string
  readonly runner: string
  readonly mounts: readonly Mount[]
}

function placesOf({ image, host, ipynbPath }: RenderOptions, folder: string): Places {
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

function whyFailed({ reason, exitCode, signal, stderrTail }: Ending): string {
  if (reason === 'timeout') return 'The conversion to HTML took too long'
  if (reason === 'canceled') return 'The conversion to HTML was canceled'
  if (reason === 'outOfMemory') return 'The conversion to HTML needed more memory than it may have'
  const lastLine = stderrTail.trim().split('\n').at(-1)
  return `The conversion to HTML failed: ${lastLine || `it ended with ${signal ?? exitCode}`}`
}
