/** The text of a PDF, page by page, as pypdf of the image reads it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { testImage } from './image.ts'

const READ =
  'import json, pypdf, sys; print(json.dumps([page.extract_text() for page in pypdf.PdfReader(sys.argv[1]).pages]))'

/** @throws when it is no PDF */
export async function pdfPages(path: string): Promise<string[]> {
  const { python, env } = await testImage()
  const { stdout } = await promisify(execFile)(python, ['-c', READ, path], {
    env: { PATH: '/usr/bin:/bin', ...env },
    maxBuffer: 64 * 1024 ** 2,
  })
  const pages: unknown = JSON.parse(stdout)
  if (!Array.isArray(pages)) throw new Error(`no pages: ${stdout}`)
  return pages.map(String)
}
