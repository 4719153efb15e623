/** The attacks of `test/attacks/` against kernels that start cold in bubblewrap, as all do when nothing can be forked. */

import { attackSuite } from '../support/attack-suite.ts'

await attackSuite({ forking: 'off' })
