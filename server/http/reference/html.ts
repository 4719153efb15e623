/** HTML as text that is safe by how it is made: whatever is put into `html` is escaped unless it came out of `html`. */

import { escapeHtml } from '../../ground/escape-html.ts'

export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | false | undefined | readonly Part[]

/** A template literal of HTML; lists are joined, false and undefined are nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(parts.map((part, index) => part + (index < values.length ? textOf(values[index]) : '')).join(''))
}

function textOf(value: Part): string {
  if (value instanceof Html) return value.text
  if (value === undefined || value === false) return ''
  if (typeof value === 'object') return value.map(textOf).join('')
  return escapeHtml(String(value))
}

/** The little Markdown that descriptions are written in: paragraphs, `## headings` and `code`. */
export const prose = (text: string): Html => html`${text.split(/\n{2,}/).map(paragraph)}`

function paragraph(text: string): Html {
  const heading = /^## (.*)$/.exec(text)
  return heading ? html`<h3>${inline(heading[1] ?? '')}</h3>` : html`<p>${inline(text)}</p>`
}

/** Text with its `code`. */
export const inline = (text: string): Html =>
  html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`
