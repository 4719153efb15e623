/**
 * Secrets that a test uses or is given, collected, so that what its services printed can be searched for them when they
 * end: none may be in a log.
 */

const known = new Set<string>()
const NAMES = /^(?:token|secret|accessToken|twoFactorAuthKey|.*password|.*signature)$/i
/** In texts: the signature of a link, the password of an address. */
const IN_TEXT = /[?&]signature=([0-9a-f]{64})|:\/\/[^/@:\s]*:([^/@\s]+)@/g
/** Shorter ones are words that may stand anywhere. */
const SHORTEST = 12
/** The one place that shows a password on purpose, once, to whoever sets the installation up. */
const SHOWN_ONCE = /^ *Sign in as \S+ with the password .*$/gm

export const noteSecret = (secret: string | undefined) => {
  if (secret !== undefined && secret.length >= SHORTEST) known.add(secret)
}

/** Notes every secret that an answer or a request has, at any depth. */
export function noteSecrets(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, part] of Object.entries(value)) {
    if (typeof part !== 'string') noteSecrets(part)
    else if (NAMES.test(name)) noteSecret(part)
    else for (const [, signature, password] of part.matchAll(IN_TEXT)) noteSecret(signature ?? password)
  }
}

/** The same of a body as text, where it is JSON; what is none has no names to know a secret by. */
export function noteSecretsOf(text: unknown): void {
  if (typeof text !== 'string' || !/^[[{]/.test(text)) return
  try {
    noteSecrets(JSON.parse(text))
  } catch {
    // Tests send what is no JSON as well.
  }
}

/** The lines of an output that have a secret in them, plain or as a URL has it. */
export function linesWithSecrets(output: string, secrets: Iterable<string> = known): string[] {
  const spellings = [...secrets].flatMap((secret) => [secret, encodeURIComponent(secret)])
  return output
    .replace(SHOWN_ONCE, '')
    .split('\n')
    .filter((line) => spellings.some((secret) => line.includes(secret)))
}

/** @throws Error with the lines that have a secret */
export function requireNoSecrets(output: string): void {
  const lines = linesWithSecrets(output)
  if (lines.length > 0) throw new Error(`a secret was printed by the service:\n${lines.join('\n')}`)
}
