/** Steps of journeys about being told of an end: a service with a mail server and a receiver, and what both have heard. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { signIn } from '../../client/client.ts'
import { cancelExecution, type ExecutionLog } from '../../contract/executions.ts'
import type { Notebook, NotebookPost } from '../../contract/notebooks.ts'
import { type Official, signInOfficially } from './official.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { EMAIL, PASSWORD, startService } from './service.ts'
import { partOf, startSmtp, type TestMail } from './smtp.ts'
import { makeApplication, makeNotebook } from './steps.ts'
import { until } from './until.ts'

/** One run at a time, of 6 seconds at most. */
export const ENV = {
  FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
  FIELDBOOK_SLOTS: '1',
  FIELDBOOK_RUN_MINUTES: '0.1',
}

/** What a callback posts. */
export interface Told {
  readonly success: boolean
  readonly applicationId: string
  readonly notebook: Notebook
  readonly execution: ExecutionLog
}

export const toldOf = ({ told }: Receiver) => told as unknown as Told[] // what our own service posts

export const idsOf = ({ applicationId, id }: Notebook) => ({ applicationId, notebookId: id })

/** Asks for an execution and gives its id. */
export async function execute(losant: Official, notebook: Notebook, executionOptions: object): Promise<string> {
  const params = { ...idsOf(notebook), executionOptions }
  return (await losant.call<{ executionId: string }>('notebook.execute', params)).executionId
}

/** A service over one application, gone with the test. */
export async function setScene(t: TestContext, env: Record<string, string> = {}) {
  const [smtp, receiver] = [await startSmtp(t), await startReceiver(t)]
  const service = await startService({ env: { ...ENV, FIELDBOOK_SMTP_URL: smtp.url, ...env } })
  t.after(() => service[Symbol.asyncDispose]())
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant, 'A <plant> & more')
  const make = (post: Partial<NotebookPost>, ...cells: string[]) => makeNotebook(losant, applicationId, post, ...cells)
  const ours = await signIn(service.url, EMAIL, PASSWORD)
  // This version of the official client has no call for it.
  const cancel = (notebook: Notebook, executionId: string) =>
    ours.call(cancelExecution, { params: idsOf(notebook), query: { executionId } })
  return { losant, ours, applicationId, make, cancel, receiver, mails: smtp.mails }
}

/** The mail and the callback of an execution, once both have come. */
export async function heardOf(executionId: string, receiver: Receiver, mails: readonly TestMail[]) {
  const isIt = ({ execution }: Told) => execution.id === executionId
  const mailOf = () => mails.find((mail) => partOf(mail, 'text/plain').includes(executionId))
  await until(() => toldOf(receiver).some(isIt) && mailOf() !== undefined)
  const [told, mail] = [toldOf(receiver).find(isIt), mailOf()]
  assert.ok(told && mail)
  return { told, text: partOf(mail, 'text/plain'), page: partOf(mail, 'text/html'), mail }
}
