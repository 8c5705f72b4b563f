/** @file Every loss against its oracle, on every device. */
import { group } from './groups/losses.ts'
import { testGroup } from './suite.ts'

testGroup(group)
