/** The attacks of `test/attacks/` against kernels that are forked into a sandbox they enter by themselves. */

import { attackSuite } from '../support/attack-suite.ts'

await attackSuite({ forking: 'on' })
