/** Whom requests ask to tell of an end. */

/** As bodies and query parameters say it; empty text is nobody. */
export interface Told {
  readonly email?: string | undefined
  readonly callbackUrl?: string | undefined
}

/** The same without what is nobody, as inputs of jobs and executions hold it. */
export const toldOf = ({ email, callbackUrl }: Told): { readonly email?: string; readonly callbackUrl?: string } => ({
  ...(email ? { email } : {}),
  ...(callbackUrl ? { callbackUrl } : {}),
})
