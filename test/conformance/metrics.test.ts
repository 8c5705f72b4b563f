/** @file Every metric against its oracle. */
import { group } from './groups/metrics.ts'
import { testGroup } from './suite.ts'

testGroup(group)
