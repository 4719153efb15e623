/** Words about users, their invitations, and those whom applications are shared with. */

export const ABOUT_PEOPLE: Readonly<Record<string, string>> = {
  isOwner: 'Whether they are an owner of the installation, who manages its users',
  isDisabled: 'Whether they are shut out: they can’t sign in, and their tokens rest',
  endSessions: 'Ends all their sessions',
  applicationCount: 'How many applications they own',
  invitationEndsAt: 'Until when their invitation can be used, where there is one',
  'User.email': 'The address they sign in with',
  'User.status': 'Whether they can sign in, were invited and have no password yet, or are shut out',
  'CreateUserReply.email': 'The address they sign in with',
  'CreateUserReply.status': 'Whether they can sign in, were invited and have no password yet, or are shut out',
  'UserPost.email': 'The address they will sign in with',
  'UserPatch.email': 'The address they will sign in with',
  'UserPost.password': 'Their password; without one they are invited to choose it',
  'UserPatch.password': 'Their new password; ends all their sessions',
  invitation: 'The invitation of a user who was made without a password',
  expiresAt: 'Until when it can be used',
  'Invitation.secret': 'What is sent back with a password; told only here',
  'Invitation.url': 'Where it is sent to',
  mail: 'What became of the mail with it',
  transferred: 'How many have another owner now',
}
