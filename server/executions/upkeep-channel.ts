/** The channel on which those who leave work for the upkeep say so. */

export const UPKEEP = 'fieldbook_upkeep'
