/**
 * The part of a front end that widgets talk to: keeps the state of every widget model in the notebook's metadata, live, and
 * lets Output widgets take the outputs of the requests they capture. Contents can be forged: what doesn't fit is ignored.
 */
import type { Area } from './ledger.ts'
import { objectIn } from './messages.ts'
import { type Metadata, type Notebook, type Output, outputsIn } from './notebook.ts'
import type { Content, Message } from './wire.ts'

const STATE_TYPE = 'application/vnd.jupyter.widget-state+json'
const WIDGET_TARGET = 'jupyter.widget'

/** As `@jupyter-widgets/schema` describes the state of one model, version 2. */
interface Model {
  model_name: unknown
  model_module: unknown
  model_module_version: unknown
  state: Metadata
  buffers?: { data: string; encoding: 'base64'; path: unknown[] }[]
}

/** A model as it is followed: what is stored of it, and how many bytes that takes by key. */
interface Followed {
  readonly model: Model
  readonly sizes: Map<string, number>
  readonly output?: Capture
}

/** An Output widget; its state is where its outputs are. */
interface Capture {
  readonly area: Area
  /** The request whose outputs it takes now. */
  captured?: string
  /** Outputs came that the kernel doesn't know of yet. */
  unsynced: boolean
}

export interface Widgets {
  /** Takes a comm message. False when a model was left out because the state of all would be larger than it may. */
  take(message: Message): boolean
  /** Where the outputs of a request go instead of its cell: the Output widget that was entered last. */
  areaOf(requestId: string): Area | undefined
  /** Says that an area has other outputs now. */
  changed(area: Area): void
  /** Comm messages that tell the kernel the outputs its Output widgets have; it reads them between two cells. */
  updates(): Content[]
}

/** Follows the widgets of one run. `replace` puts outputs that the kernel has set itself into an area. */
export function followWidgets(
  notebook: Notebook,
  limitBytes: number,
  replace: (area: Area, outputs: readonly Output[]) => void,
): Widgets {
  const models = new Map<string, Followed>()
  const captures = new Map<Area, { id: string; capture: Capture }>()
  /** Request → the Output widgets that capture it, the innermost last. */
  const capturing = new Map<string, Capture[]>()
  const leftOut = new Set<string>()
  let bytes = 0

  const stopCapturing = (capture: Capture) => {
    const { captured } = capture
    if (captured === undefined) return
    delete capture.captured
    const left = capturing.get(captured)?.filter((other) => other !== capture) ?? []
    if (left.length > 0) capturing.set(captured, left)
    else capturing.delete(captured)
  }
  const remove = (id: string) => {
    const followed = models.get(id)
    if (!followed) return
    for (const size of followed.sizes.values()) bytes -= size
    models.delete(id)
    delete storedModels(notebook)[id]
    const { output } = followed
    if (!output) return
    stopCapturing(output)
    captures.delete(output.area)
    replace(output.area, [])
  }
  const open = (id: string, state: Content) => {
    const followed = newModel(state)
    models.set(id, followed)
    storedModels(notebook)[id] = followed.model
    if (followed.output) captures.set(followed.output.area, { id, capture: followed.output })
    return followed
  }
  const update = ({ model, sizes, output }: Followed, state: Content, message: Message) => {
    for (const [key, value] of Object.entries(state)) {
      if (output && key === 'outputs') {
        replace(output.area, outputsIn(value))
        continue
      }
      model.state[key] = value
      const size = Buffer.byteLength(JSON.stringify(value)) + key.length
      bytes += size - (sizes.get(key) ?? 0)
      sizes.set(key, size)
    }
    bytes += storeBuffers(model, sizes, Object.keys(state), message)
    if (output && typeof state['msg_id'] === 'string') {
      stopCapturing(output)
      if (state['msg_id'] !== '') {
        output.captured = state['msg_id']
        capturing.set(output.captured, [...(capturing.get(output.captured) ?? []), output])
      }
    }
  }
  const takeState = (id: string, message: Message, isOpen: boolean): boolean => {
    const data = objectIn(message.content, 'data')
    // An echo tells what a front end said; what we said is there, and may be newer. Custom messages have no state.
    if (leftOut.has(id) || data['method'] === 'echo_update' || !('state' in data)) return true
    const state = objectIn(data, 'state')
    if (isOpen) remove(id)
    // A model nobody has named, as another kind of comm might have, is not a widget.
    const followed = models.get(id) ?? (isOpen && '_model_name' in state ? open(id, state) : undefined)
    if (!followed) return true
    update(followed, state, message)
    if (bytes <= limitBytes) return true
    remove(id)
    leftOut.add(id)
    return false
  }

  return {
    take: (message) => {
      const { content } = message
      const id = content['comm_id']
      if (typeof id !== 'string') return true
      if (message.header.msg_type === 'comm_close') remove(id)
      if (message.header.msg_type === 'comm_msg') return takeState(id, message, false)
      const isWidget = message.header.msg_type === 'comm_open' && content['target_name'] === WIDGET_TARGET
      return isWidget ? takeState(id, message, true) : true
    },
    areaOf: (requestId) => capturing.get(requestId)?.at(-1)?.area,
    changed: (area) => {
      const found = captures.get(area)
      if (found) found.capture.unsynced = true
    },
    updates: () =>
      [...captures.values()].flatMap(({ id, capture }) => {
        if (!capture.unsynced) return []
        capture.unsynced = false
        return [{ comm_id: id, data: { method: 'update', state: { outputs: capture.area.outputs }, buffer_paths: [] } }]
      }),
  }
}

function newModel(state: Content): Followed {
  const own: Metadata = emptyObject()
  const model: Model = {
    model_name: state['_model_name'],
    model_module: state['_model_module'],
    model_module_version: state['_model_module_version'],
    state: own,
  }
  const isOutput = state['_model_module'] === '@jupyter-widgets/output' && state['_model_name'] === 'OutputModel'
  if (!isOutput) return { model, sizes: new Map() }
  return { model, sizes: new Map(), output: { area: Object.assign(own, { outputs: [] }), unsynced: false } }
}

/** The latest buffer of each path stays; a key that was set without one has none any more. Gives the bytes by which it grew. */
function storeBuffers(model: Model, sizes: Map<string, number>, changed: readonly string[], message: Message): number {
  const paths = objectIn(message.content, 'data')['buffer_paths']
  const given = (Array.isArray(paths) ? paths : []).flatMap((path: unknown, index) => {
    const buffer = message.buffers[index]
    return Array.isArray(path) && typeof path[0] === 'string' && buffer
      ? [{ data: buffer.toString('base64'), encoding: 'base64' as const, path }]
      : []
  })
  const before = model.buffers ?? []
  if (given.length === 0 && before.length === 0) return 0
  const replaced = new Set(given.map(({ path }) => JSON.stringify(path)))
  const kept = before.filter(({ path }) => !changed.includes(String(path[0])) && !replaced.has(JSON.stringify(path)))
  const buffers = [...kept, ...given]
  if (buffers.length > 0) model.buffers = buffers
  else delete model.buffers
  // Counted under a key that no JSON text can give a state.
  const size = buffers.reduce((sum, { data }) => sum + data.length, 0)
  const grown = size - (sizes.get(BUFFERS) ?? 0)
  sizes.set(BUFFERS, size)
  return grown
}

const BUFFERS = '\u0000buffers'

/** The models in the notebook's metadata, by their comm's id; put there when the first one comes. */
function storedModels(notebook: Notebook): Record<string, Model> {
  const known = objectIn(objectIn(notebook.metadata, 'widgets'), STATE_TYPE)['state']
  if (known !== undefined) return known as Record<string, Model> // ours: what the author's run had left is taken out before
  const state: Record<string, Model> = emptyObject()
  notebook.metadata['widgets'] = { [STATE_TYPE]: { state, version_major: 2, version_minor: 0 } }
  return state
}

/** Keys come from the notebook, and one like __proto__ has to stay a key. */
function emptyObject<Value>(): Record<string, Value> {
  return Object.create(null)
}
