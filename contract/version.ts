/** The version of the published API that this contract implements; `Accept-Version` of a request is measured by it. */
export const API_VERSION = '1.30.0'
