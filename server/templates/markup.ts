/**
 * The helper `toHtml`. Of text it makes HTML as Markdown says, of the JSON that the original's HTML parser gives (that of
 * xml-js, with `children` and `value`) the document again.
 */

import markdownIt from 'markdown-it'
import { isComposite, textOf, type ValueHelper } from './values.ts'

const markdown = markdownIt({ html: false, linkify: false })

/** As many characters as a template may render to. */
const MAX_MARKDOWN = 8192

export const markup: Record<string, ValueHelper> = {
  toHtml: (value) => {
    if (Array.isArray(value)) return value.map(writeNode).join('')
    if (isComposite(value)) return writeNode(value)
    const text = textOf(value)
    if (text.length > MAX_MARKDOWN) throw new Error(`"toHtml" takes at most ${MAX_MARKDOWN} characters`)
    return markdown.render(text)
  },
}

function writeNode(node: unknown): string {
  if (!isComposite(node)) return ''
  const { type, name, value, children, instruction, doctype } = node
  const inside = Array.isArray(children) ? children.map(writeNode).join('') : ''
  switch (type) {
    case 'element':
      return inside === ''
        ? `<${nameOf(name)}${attributesOf(node['attributes'])}/>`
        : `<${nameOf(name)}${attributesOf(node['attributes'])}>${inside}</${nameOf(name)}>`
    case 'text':
      return escaped(textOf(value))
    case 'cdata':
      return `<![CDATA[${textOf(value).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
    case 'comment':
      return `<!--${textOf(value).replaceAll('--', '- -')}-->`
    case 'doctype':
      return `<!DOCTYPE ${textOf(doctype).replaceAll('>', '')}>`
    case 'instruction':
      return `<?${nameOf(name)} ${textOf(instruction).replaceAll('?>', '')}?>`
    default:
      return inside
  }
}

/** @throws when an element or attribute has a name that could be something else */
function nameOf(name: unknown): string {
  if (typeof name === 'string' && /^[\p{L}_:][\p{L}\d_:.-]*$/u.test(name)) return name
  throw new Error(`"toHtml": ${JSON.stringify(textOf(name).slice(0, 50))} is no name of an element or attribute`)
}

const attributesOf = (attributes: unknown): string =>
  isComposite(attributes)
    ? Object.entries(attributes)
        .map(([name, value]) => ` ${nameOf(name)}="${escaped(textOf(value)).replaceAll('"', '&quot;')}"`)
        .join('')
    : ''

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
