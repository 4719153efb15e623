/** The Vary header of an answer (RFC 9110 §12.5.5): what of its request the answer depends on. */

interface Answer {
  getHeader(name: 'vary'): number | string | string[] | undefined
  header(name: 'vary', value: string): unknown
}

/** Adds the name of a request header, in small letters, to those that are named already. */
export function addVary(answer: Answer, name: string): void {
  const known = [answer.getHeader('vary') ?? []].flat().flatMap((value) => String(value).split(/ *, */))
  if (!known.some((one) => one.toLowerCase() === name)) answer.header('vary', [...known, name].join(', '))
}
