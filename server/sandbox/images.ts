/** The images of this machine by notebook version. v1 to v3 run on v4, the one that is built; which ran is recorded. */

import { join } from 'node:path'
import { unavailable } from '../ground/errors.ts'
import { type Image, readImage } from './image.ts'

const BUILT = 'v4'

export interface Images {
  /** The image for a notebook's imageVersion. @throws unavailable when set-up has not made one */
  get(version: string): Promise<Image>
}

/** Images below `toolsDir`, read when first asked for: set-up may finish after the service started. */
export function createImages(toolsDir: string): Images {
  let built: Promise<Image> | undefined
  return {
    get: async () => {
      built ??= readImage(join(toolsDir, 'images', BUILT, 'image.json'))
      try {
        return await built
      } catch (cause) {
        built = undefined
        throw unavailable(`Image ${BUILT} is not set up on this machine; run "npm run setup"`, cause)
      }
    },
  }
}
