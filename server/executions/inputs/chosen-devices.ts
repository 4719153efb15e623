/** The devices an input means, its templates rendered: by query when there is one, else by ids and tags. */

import type { DeviceDataInput } from '../../../contract/notebook-files.ts'
import type { DeviceChoice } from '../../catalog/device-choice.ts'
import { invalid } from '../../ground/errors.ts'
import { isId } from '../../ground/ids.ts'
import { renderTemplate, type TemplateContext } from '../../templates/render.ts'
import type { Staging } from './input.ts'

type Selection = Pick<DeviceDataInput, 'fileName' | 'deviceIds' | 'deviceTags' | 'queryJson'>

/** What messages call a faulty query. */
export const QUERY_PATH = 'queryJson'

/**
 * The choice as it is looked up. Nothing given chooses no devices, which the owner is told, because the empty query `{}`
 * would be all of them. @throws invalid for an id that is none
 */
export function choiceOf(input: Selection, staging: Staging): DeviceChoice {
  const { context } = staging
  const query = renderTemplate(input.queryJson ?? '', context)
  if (query.trim() !== '') return { query }
  const deviceIds = (input.deviceIds ?? []).map((template) => idOf(template, context))
  const deviceTags = (input.deviceTags ?? []).map(({ key, value }) => ({
    ...(key === undefined ? {} : { key: renderTemplate(key, context) }),
    ...(value === undefined ? {} : { value: renderTemplate(value, context) }),
  }))
  if (deviceIds.length === 0 && deviceTags.length === 0) {
    staging.warn(
      `Input "${input.fileName}" chooses no devices, so it is empty; name deviceIds, deviceTags or a queryJson ({} is all)`,
    )
  }
  return { deviceIds, deviceTags }
}

function idOf(template: string, context: TemplateContext): string {
  const id = renderTemplate(template, context)
  if (!isId(id)) throw invalid(`deviceIds: "${template}" renders to "${id}", which is not a device id`)
  return id.toLowerCase()
}
