/**
 * A mail as its parts, and the two forms it is sent in: text, and a page that loads nothing from anywhere. Whatever it
 * holds may be somebody else's text; in the page all of it is escaped.
 */

import { escapeHtml } from '../ground/escape-html.ts'

export interface Letter {
  readonly subject: string
  /** One sentence that says what happened. */
  readonly title: string
  /** Whether that is good news: the colour of the page's edge. */
  readonly isGood: boolean
  readonly paragraphs: readonly string[]
  /** Shown as it is, line by line. */
  readonly quote?: string | undefined
  readonly links?: { readonly intro: string; readonly items: readonly Link[] } | undefined
  /** Names and values, at the end. */
  readonly facts: readonly (readonly [name: string, value: string])[]
}

export interface Link {
  readonly name: string
  readonly url: string
}

/** What a mail holds besides its receiver. */
export interface MailContent {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** The mail of a letter, in both forms. */
export const mailOf = (letter: Letter): MailContent => ({
  subject: letter.subject,
  text: textOf(letter),
  html: pageOf(letter),
})

function textOf({ title, paragraphs, quote, links, facts }: Letter): string {
  const blocks = [
    title,
    ...paragraphs,
    quote?.replaceAll(/^/gm, '    '),
    links && links.items.length > 0
      ? [links.intro, ...links.items.map(({ name, url }) => `${name}\n${url}`)].join('\n')
      : undefined,
    facts.map(([name, value]) => `${name}: ${value}`).join('\n'),
  ]
  return `${blocks.filter(Boolean).join('\n\n')}\n`
}

/** Old mail programs know no style sheets, so every element has its own style. */
const FONT = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif'
const GOOD = '#1a7f37'
const BAD = '#cf222e'

function pageOf({ title, isGood, paragraphs, quote, links, facts }: Letter): string {
  const parts = [
    `<h1 style="font-size:20px;line-height:1.3;margin:0 0 16px">${escapeHtml(title)}</h1>`,
    ...paragraphs.map((text) => `<p style="margin:0 0 12px;white-space:pre-wrap">${escapeHtml(text)}</p>`),
    quote === undefined
      ? ''
      : `<pre style="margin:0 0 16px;padding:12px;background:#f6f8fa;color:#1f2328;font:13px/1.4 Consolas,Menlo,monospace;white-space:pre-wrap;word-break:break-word">${escapeHtml(quote)}</pre>`,
    links && links.items.length > 0
      ? `<p style="margin:0 0 4px">${escapeHtml(links.intro)}</p><ul style="margin:0 0 16px;padding-left:20px">${links.items.map(linkOf).join('')}</ul>`
      : '',
    `<table role="presentation" cellspacing="0" style="border-collapse:collapse;font-size:13px;color:#59636e">${facts
      .map(
        ([name, value]) =>
          `<tr><td style="padding:2px 16px 2px 0">${escapeHtml(name)}</td><td style="overflow-wrap:anywhere">${escapeHtml(value)}</td></tr>`,
      )
      .join('')}</table>`,
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#ffffff;color:#1f2328;${FONT};font-size:15px;line-height:1.5">
<div style="max-width:640px;margin:0 auto;border-left:4px solid ${isGood ? GOOD : BAD};padding-left:20px">
${parts.filter(Boolean).join('\n')}
</div></body></html>
`
}

/** Links of ours and nothing else: an address of another kind is shown, not linked. */
const linkOf = ({ name, url }: Link) =>
  /^https?:\/\//.test(url)
    ? `<li><a href="${escapeHtml(url)}" style="color:#0969da">${escapeHtml(name)}</a></li>`
    : `<li>${escapeHtml(name)} ${escapeHtml(url)}</li>`
