/** The attacks of `test/attacks/` against kernels that start cold in bubblewrap, and against every conversion to HTML. */

import { attackSuite } from '../support/attack-suite.ts'

await attackSuite('off')
