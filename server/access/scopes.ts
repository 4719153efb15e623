/** What a token may do: scopes in the original's vocabulary (behaviour dossier §7.3). */

/** What a person's token may do when nothing else was asked for. */
export const DEFAULT_SCOPE = ['all.User']

/** Whether a token of this scope may ask for an operation that these scopes allow. */
export const allows = (scope: readonly string[], scopes: readonly string[]): boolean =>
  scope.some((word) => scopes.includes(word))
