/** Access keys as devices use them: whose they are, and whether a secret is theirs. */

import { createHash } from 'node:crypto'

/** What is kept of a secret. One of 256 random bits needs no slower hash: there is nothing to guess from. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/**
 * The condition that a key is for a device, over a row `k` of application_keys and `d` of devices: one of its ids, one of
 * its tags (any value where it names none, any key where it names none), or every device where it names neither.
 */
export const COVERS = `(
  (k.device_ids = '{}' and k.device_tags = '[]') or d.id = any (k.device_ids)
  or exists (select from jsonb_array_elements(k.device_tags) as tag where d.tags @> jsonb_build_array(tag))
)`
