/** The user who calls: their account, sessions and second factor. */

import {
  changePassword,
  deleteMe,
  disableTwoFactorAuth,
  enableTwoFactorAuth,
  generateTwoFactorAuth,
  getMe,
  getMyDeviceCounts,
  patchMe,
  refreshToken,
} from '../../../contract/me.ts'
import * as account from '../../access/account.ts'
import { proveAgain } from '../../access/sign-in.ts'
import * as twoFactor from '../../access/two-factor.ts'
import { deviceCounts } from '../../catalog/application-counts.ts'
import { accountLimits, ownApplications, periodOf, readAccountSummary } from '../../executions/account-summary.ts'
import type { SummaryQuery } from '../../executions/application-summary.ts'
import { invalid } from '../../ground/errors.ts'
import type { Parts } from '../parts.ts'
import { type Door, requireUser, serve } from '../serve.ts'
import { DEFAULT_TTL_SECONDS } from './auth.ts'

/** Registers the routes of the user who calls. */
export function serveMe(door: Door, parts: Parts): void {
  const { db, tokens, config } = parts
  const show = async (userId: string, query: SummaryQuery) => {
    const now = new Date()
    const summary = await readAccountSummary(db, userId, query, now)
    return {
      ...(await account.readAccount(db, userId)),
      limits: accountLimits(config.limits),
      ...periodOf(now),
      ...(summary ? { summary } : {}),
    }
  }

  serve(door, getMe, ({ caller, query }) => show(requireUser(caller).userId, query))
  serve(door, patchMe, async ({ caller, query, body, address }) => {
    const { userId } = requireUser(caller)
    await account.patchAccount(parts, userId, body, address)
    return show(userId, query)
  })
  serve(door, changePassword, async ({ caller, body, address }) => {
    const { userId, scope } = requireUser(caller)
    const user = await account.changePassword(parts, userId, body, address)
    const token = await tokens.sign({ kind: 'user', ...user, scope }, body.tokenTTL ?? DEFAULT_TTL_SECONDS)
    return { userId, token }
  })
  serve(door, refreshToken, async ({ caller }) => {
    const { userId, generation, session, scope } = requireUser(caller)
    if (!session || generation === undefined)
      throw invalid('Only the token of a session can be refreshed, not an API token')
    return {
      userId,
      token: await tokens.sign({ kind: 'user', userId, generation, session, scope }, session.ttlSeconds),
    }
  })
  serve(door, deleteMe, async ({ caller, body, address }) => {
    await account.deleteAccount(parts, requireUser(caller).userId, body, address)
    return { success: true }
  })
  serve(door, getMyDeviceCounts, async ({ caller, query }) =>
    deviceCounts(db, await ownApplications(db, requireUser(caller).userId), query, new Date()),
  )

  serve(door, generateTwoFactorAuth, ({ caller }) => twoFactor.offerKey(parts, requireUser(caller).userId, new Date()))
  serve(door, enableTwoFactorAuth, async ({ caller, query, body, address }) => {
    const { userId } = requireUser(caller)
    if (await twoFactor.isEnabled(db, userId)) throw invalid('Two-factor authentication is enabled already')
    await proveAgain(parts, userId, { password: body.password }, address, 'data')
    const proof = { code: body.twoFactorCode, key: body.twoFactorAuthKey }
    await twoFactor.enable(parts, userId, proof, new Date(), 'data')
    return show(userId, query)
  })
  serve(door, disableTwoFactorAuth, async ({ caller, query, body, address }) => {
    const { userId } = requireUser(caller)
    if (!(await twoFactor.isEnabled(db, userId))) throw invalid('Two-factor authentication is not enabled')
    await proveAgain(parts, userId, body, address, 'data')
    await twoFactor.disable(db, userId)
    return show(userId, query)
  })
}
