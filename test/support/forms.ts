/** Multipart bodies written out byte by byte, for what no library would send, and upload forms as clients send them. */

export interface FormPart {
  readonly name: string
  readonly content: string | Uint8Array
  /** Left out, the part is an ordinary field. */
  readonly fileName?: string
  readonly contentType?: string
}

const BOUNDARY = '--------------------------271828182845904523536028'

export const MULTIPART = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }

/** The body of a form with these parts in this order. */
export function multipart(parts: readonly FormPart[]): Buffer<ArrayBuffer> {
  const chunks = parts.flatMap(({ name, content, fileName, contentType }) => {
    const file = fileName === undefined ? '' : `; filename="${fileName}"`
    const type = contentType === undefined ? '' : `\r\nContent-Type: ${contentType}`
    const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}${type}\r\n\r\n`
    return [Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')]
  })
  return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

export interface UploadForm {
  readonly url: string
  readonly fields: Readonly<Record<string, string>>
}

/** The fields as clients of the original send them: all but `bucket`. */
export const fieldsOf = ({ fields }: UploadForm): FormPart[] =>
  Object.entries(fields).flatMap(([name, content]) => (name === 'bucket' ? [] : [{ name, content }]))

/** Sends a form with the file last, as a browser would. */
export function sendForm(form: UploadForm, content: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  const data = new FormData()
  for (const { name, content: value } of fieldsOf(form)) data.append(name, String(value))
  data.append('file', new Blob([content]), 'blob')
  return fetch(form.url, { method: 'POST', body: data })
}

/** Sends parts exactly as they are. */
export const sendParts = (url: string, parts: readonly FormPart[]): Promise<Response> =>
  fetch(url, { method: 'POST', headers: MULTIPART, body: multipart(parts) })
