/** @file Every optimizer against its oracle, on every device. */
import { group } from './groups/optimizers.ts'
import { testGroup } from './suite.ts'

testGroup(group)
