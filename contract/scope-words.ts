/**
 * The words a token's scope may have, as they are published: whole kinds, `<resource>.*` and `<resource>.<action>`. Words
 * of what does not exist here are taken as well, because programs ask for them in one breath with others; they allow
 * nothing. What an operation of ours adds is not listed: its words are known by its route.
 */

/** What the token of an application may be given. */
export const APPLICATION_KINDS = [
  'all.Application',
  'all.Application.bounded',
  'all.Application.read',
  'all.Application.cli',
  'all.Device',
  'all.Device.read',
]

/** What the token of a user may be given besides. Nothing is an organization's here, so its words mean the user's own. */
export const USER_KINDS = [
  'all.User',
  'all.User.bounded',
  'all.User.read',
  'all.User.cli',
  'only.User',
  'only.User.bounded',
  'only.User.read',
  'all.Organization',
  'all.Organization.bounded',
  'all.Organization.read',
  'only.Organization',
  'only.Organization.bounded',
  'only.Organization.read',
]

/** What a session may ask for besides. There is one instance, and nothing is done to it with these. */
export const INSTANCE_KINDS = ['all.Instance', 'all.Instance.bounded', 'all.Instance.read']

/** What the token of a device may be given. */
export const DEVICE_SCOPES = [
  'all.Device',
  'all.Device.read',
  'data.export',
  'data.timeSeriesQuery',
  'data.lastValueQuery',
  'device.commandStream',
  'device.get',
  'device.getCompositeState',
  'device.getState',
  'device.stateStream',
  'device.getLogEntries',
  'device.getCommand',
  'device.debug',
  'device.sendState',
  'device.sendCommand',
  'device.setConnectionStatus',
  'devices.get',
  'devices.getCompositeState',
  'devices.sendCommand',
] as const

/** The actions of each resource of an application. */
const OF_APPLICATIONS = {
  application:
    'applyTemplate archiveData backfillArchiveData clone debug delete deviceCounts export fullDataTablesArchive fullEventsArchive get import importLogs mqttPublishMessage mqttSubscriptionStream notebookMinuteCounts patch payloadCounts payloadCountsBreakdown search',
  applicationApiToken: 'delete get patch',
  applicationApiTokens: 'get post',
  applicationCertificate: 'delete get patch',
  applicationCertificates: 'get post',
  applicationCertificateAuthority: 'delete get patch',
  applicationCertificateAuthorities: 'get post',
  applicationDashboards: 'get post',
  applicationDashboard: 'delete get patch sendReport',
  applicationJobLogs: 'get',
  applicationJobLog: 'get',
  applicationKey: 'delete get patch',
  applicationKeys: 'get post',
  credential: 'delete get linkedResources patch',
  credentials: 'get post',
  data: 'export lastValueQuery timeSeriesQuery',
  dataTable: 'addColumn delete get patch removeColumn',
  dataTables: 'get post',
  dataTableRow: 'delete get patch',
  dataTableRows: 'delete export get post query truncate',
  device:
    'agentLogs commandStream debug delete export get getCommand getCompositeState getLogEntries getState patch payloadCounts payloadCountsBreakdown removeData sendCommand sendState setConnectionStatus stateStream',
  deviceRecipe: 'bulkCreate delete get patch',
  deviceRecipes: 'get post',
  devices:
    'attributeNames delete deviceNames export get getCompositeState historicalImport patch payloadCounts post removeData restore sendCommand tagKeys tagValues',
  deviceAttribute: 'delete get patch',
  deviceAttributes: 'get post',
  edgeDeployment: 'get',
  edgeDeployments: 'get release remove replace',
  embeddedDeployment: 'get',
  embeddedDeployments: 'export get release remove replace',
  event: 'delete get patch',
  events: 'delete detailedSummary export get mostRecentBySeverity patch post',
  experience: 'bootstrap delete',
  experienceDomain: 'delete get patch',
  experienceDomains: 'get post',
  experienceEndpoint: 'delete get linkedResources patch',
  experienceEndpoints: 'get post stats',
  experienceGroup: 'delete get patch',
  experienceGroups: 'detailedSummary get post',
  experienceSlug: 'delete get patch',
  experienceSlugs: 'get post',
  experienceUser: 'delete get patch',
  experienceUsers: 'detailedSummary get post',
  experienceVersion: 'delete get patch',
  experienceVersions: 'get post',
  experienceView: 'debug delete get linkedResources patch',
  experienceViews: 'debug detailedSummary get post',
  integration: 'delete get patch',
  integrations: 'get post',
  file: 'delete get move patch upload',
  files: 'get post',
  flow: 'clearStorageEntries debug delete errors get getStorageEntries getStorageEntriesMetadata log patch pressVirtualButton setStorageEntry stats suggestFunction',
  flows: 'get getByVersion import palette post',
  flowVersion: 'debug delete errors get log patch stats',
  flowVersions: 'delete get post',
  notebook: 'delete execute get logs notebookMinuteCounts patch requestInputDataExport upload',
  notebooks: 'get post',
  privateFile: 'delete get move patch upload',
  privateFiles: 'get post',
  resourceJobs: 'get post',
  resourceJob: 'cancelExecution delete execute get logs patch',
  webhook: 'delete get patch',
  webhooks: 'get post',
}

/** And of what a user, or an organization, has beside its applications. */
const OF_USERS = {
  userApiToken: 'delete get patch',
  userApiTokens: 'get post',
  userOauthToken: 'delete get patch',
  userOauthTokens: 'get post',
  applicationTemplate: 'get',
  applicationTemplates: 'get getCategories getUniqueKeywords',
  instances: 'get',
  me: 'addRecentItem changePassword connectGithub delete deviceCounts disableTwoFactorAuth disconnectGithub enableTwoFactorAuth fetchRecentItems generateTwoFactorAuth get invite invites notebookMinuteCounts patch payloadCounts payloadCountsBreakdown refreshToken respondToInvite transferResources verifyEmail',
  orgs: 'get post',
  applications: 'detailedSummary get import periodSummaries post',
  auditLog: 'get',
  auditLogs: 'get',
  dashboard: 'delete patch sendReport suggestCode',
  dashboards: 'get post',
  org: 'currentCard delete deviceCounts get inviteMember invoices modifyMember notebookMinuteCounts patch payloadCounts payloadCountsBreakdown pendingInvites removeMember revokeInvite transferResources',
}

/** And of the instance. */
const OF_INSTANCES = {
  instance:
    'deviceCounts generateReport get historicalSummaries notebookMinuteCounts patch payloadCounts payloadCountsBreakdown',
  instanceOrg:
    'convertToEnterprise delete deviceCounts get notebookMinuteCounts patch payloadCounts payloadCountsBreakdown',
  instanceOrgs: 'get post',
  instanceMember: 'delete get patch',
  instanceMembers: 'get post',
  instanceOrgMember: 'delete get patch',
  instanceOrgMembers: 'get post',
  instanceOrgInvite: 'delete get resendInvite',
  instanceOrgInvites: 'get post',
  instanceApiTokens: 'get post',
  instanceApiToken: 'delete get patch',
  instanceCustomNodes: 'get post',
  instanceCustomNode: 'delete errors get patch stats',
  instanceNotificationRules: 'get post',
  instanceNotificationRule: 'delete evaluate get logs patch',
  instanceSandbox: 'delete deviceCounts get notebookMinuteCounts payloadCounts payloadCountsBreakdown undelete',
  instanceSandboxes: 'get',
  instanceAuditLog: 'get',
  instanceAuditLogs: 'get',
}

const wordsOf = (actions: Readonly<Record<string, string>>) =>
  Object.entries(actions).flatMap(([resource, names]) =>
    ['*', ...names.split(' ')].map((name) => `${resource}.${name}`),
  )

/** Every published word for the token of an application. */
export const APPLICATION_WORDS: readonly string[] = [...APPLICATION_KINDS, ...wordsOf(OF_APPLICATIONS)]

/** Every published word for the token of a user. */
export const USER_WORDS: readonly string[] = [...USER_KINDS, ...APPLICATION_WORDS, ...wordsOf(OF_USERS)]

/** Every published word for the token of a session. */
export const SESSION_WORDS: readonly string[] = [...INSTANCE_KINDS, ...USER_WORDS, ...wordsOf(OF_INSTANCES)]
