/** @file Every function of `nn.functional` against its oracle, on every device. */
import { group } from './groups/functions.ts'
import { testGroup } from './suite.ts'

testGroup(group)
