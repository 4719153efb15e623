/** Who is calling, as a token says: a user, an application's token, or a device of an application. */

/** A user: signed in, or by a token made for programs. */
export interface UserCaller {
  readonly kind: 'user'
  readonly userId: string
  /** The API token; a user who signed in has none. */
  readonly tokenId?: string
  /** Of one who signed in: their tokens of earlier generations are no longer good. */
  readonly generation?: number
  /** The same, of a token that was read; one that is to be signed goes on with it, or begins a session. */
  readonly session?: SessionTimes
  readonly scope: readonly string[]
}

/** When a session began, which refreshing does not change, and for how long its token is. */
export interface SessionTimes {
  readonly begunAt: Date
  /** 0 for one that does not end. */
  readonly ttlSeconds: number
}

/** A token made for one application, which knows no other. */
export interface ApplicationCaller {
  readonly kind: 'application'
  readonly applicationId: string
  readonly tokenId: string
  readonly scope: readonly string[]
}

/** A device that signed in with an access key of its application. */
export interface DeviceCaller {
  readonly kind: 'device'
  readonly applicationId: string
  readonly deviceId: string
  readonly keyId: string
  readonly scope: readonly string[]
}

export type Caller = UserCaller | ApplicationCaller | DeviceCaller

/** What others are told of who did something, as the original spells it (behaviour dossier §6.3, sourceType). */
export interface Actor {
  readonly type: 'user' | 'apiToken' | 'device'
  readonly id: string
}

/** In whose name a caller does what they do: a token's deeds are its own, whoever made it. */
export function actorOf(caller: Caller): Actor {
  if (caller.kind === 'device') return { type: 'device', id: caller.deviceId }
  if (caller.kind === 'application') return { type: 'apiToken', id: caller.tokenId }
  return caller.tokenId === undefined ? { type: 'user', id: caller.userId } : { type: 'apiToken', id: caller.tokenId }
}
