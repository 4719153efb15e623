/** Application files, public and private: contract routes to the rooms below. */

import type { FastifyRequest } from 'fastify'
import type { FilePatch, FilePost } from '../../../contract/files.ts'
import * as open from '../../../contract/files.ts'
import * as closed from '../../../contract/private-files.ts'
import { actorOf } from '../../access/callers.ts'
import { mostBytes } from '../../catalog/application-limits.ts'
import { storeContent } from '../../catalog/files/content.ts'
import { createFile, expectContent, requireSize } from '../../catalog/files/create.ts'
import { type FileQuery, getFile, listFiles } from '../../catalog/files/find.ts'
import { type Destination, moveFile } from '../../catalog/files/move.ts'
import { deleteFile } from '../../catalog/files/remove.ts'
import type { Author, FileTree } from '../../catalog/files/rows.ts'
import type { MostBytes } from '../../ground/sizes.ts'
import { type FileAnswers, FORM_PATH, fileAnswers } from '../file-answers.ts'
import type { Parts } from '../parts.ts'
import { type Call, type Door, serve } from '../serve.ts'

const UPLOADS = new Set([FORM_PATH, open.uploadFile.path, closed.uploadPrivateFile.path])

/** Whether a request brings a file, which may take long. */
export const isFileUpload = (request: FastifyRequest) => UPLOADS.has(request.routeOptions.url ?? '')

/** Registers the routes of files and those of private files. */
export function serveFiles(door: Door, parts: Parts): void {
  const { list, create, get, patch, upload, move, remove } = actions(parts)

  const files = enter(parts, false)
  serve(door, open.listFiles, async (call) => list(files(call), call.query))
  serve(door, open.createFile, async (call) => create(files(call), call.body, 'file'))
  serve(door, open.getFile, async (call) => get(files(call), call.params.fileId))
  serve(door, open.patchFile, async (call) => patch(files(call), call.params.fileId, call.body))
  serve(door, open.uploadFile, async (call) => upload(files(call), call.params.fileId, call.storeFile))
  serve(door, open.moveFile, async (call) => move(files(call), call.params.fileId, call.query))
  serve(door, open.deleteFile, async (call) => remove(files(call), call.params.fileId))

  const hidden = enter(parts, true)
  serve(door, closed.listPrivateFiles, async (call) => list(hidden(call), call.query))
  serve(door, closed.createPrivateFile, async (call) => create(hidden(call), call.body, 'privateFile'))
  serve(door, closed.getPrivateFile, async (call) => get(hidden(call), call.params.privateFileId))
  serve(door, closed.patchPrivateFile, async (call) => patch(hidden(call), call.params.privateFileId, call.body))
  serve(door, closed.uploadPrivateFile, async (call) => upload(hidden(call), call.params.privateFileId, call.storeFile))
  serve(door, closed.movePrivateFile, async (call) => move(hidden(call), call.params.privateFileId, call.query))
  serve(door, closed.deletePrivateFile, async (call) => remove(hidden(call), call.params.privateFileId))
}

/** One of an application's trees, which the caller may see. */
interface Entered {
  readonly tree: FileTree
  readonly author: Author
  readonly answer: FileAnswers
}

type Entering = Pick<Call<unknown>, 'caller' | 'baseUrl'> & {
  readonly params: { readonly applicationId: string }
  readonly query: object
}

const enter =
  (parts: Parts, isPrivate: boolean) =>
  ({ caller, params, query, baseUrl }: Entering): Entered => {
    const { applicationId } = params
    const tree = { applicationId, private: isPrivate }
    const urlTTL = 'urlTTL' in query ? String(query.urlTTL) : undefined
    return {
      tree,
      author: actorOf(caller),
      answer: fileAnswers(parts, tree, { baseUrl, urlTTL }),
    }
  }

/** What both kinds of files have in common, which is everything but paths and URLs. */
function actions({ db, blobs, config }: Parts) {
  const most = (tree: FileTree, name: MostBytes['name']) => mostBytes(db, tree.applicationId, name, config.limits)
  return {
    list: async ({ tree, answer }: Entered, query: FileQuery) => {
      const page = await listFiles(db, tree, query)
      return { ...page, items: page.items.map(answer.file), applicationId: tree.applicationId }
    },
    /** `body` is what refusals call the body. */
    create: async ({ tree, author, answer }: Entered, post: FilePost, body: string) => {
      const size = await most(tree, 'fileBytes')
      requireSize(post.fileSize, size, `${body}.fileSize`)
      return answer.withForm(await createFile(db, tree, post, author, body), size.bytes)
    },
    get: async ({ tree, answer }: Entered, id: string) => answer.file(await getFile(db, tree, id)),
    patch: async ({ tree, answer }: Entered, id: string, patch: FilePatch) => {
      const size = await most(tree, 'fileBytes')
      requireSize(patch.fileSize, size, 'updates.fileSize')
      return answer.withForm(await expectContent(db, tree, id, patch), size.bytes)
    },
    upload: async ({ tree, answer }: Entered, id: string, storeFile: Call<unknown>['storeFile']) => {
      await getFile(db, tree, id) // before the bytes are taken
      const size = await most(tree, 'directFileBytes')
      return answer.file(await storeFile((content) => storeContent({ db, blobs }, tree, id, content, size)))
    },
    move: async ({ tree, author, answer }: Entered, id: string, to: Destination) =>
      answer.file(await moveFile(db, tree, id, to, author)),
    remove: async ({ tree }: Entered, id: string) => {
      await deleteFile({ db, blobs }, tree, id)
      return { success: true }
    },
  }
}
