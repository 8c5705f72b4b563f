/** @file Every layer against its oracle, on every device. */
import { group } from './groups/layers.ts'
import { testGroup } from './suite.ts'

testGroup(group)
