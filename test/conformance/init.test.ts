/** @file Every initialiser against its oracle. */
import { group } from './groups/init.ts'
import { testGroup } from './suite.ts'

testGroup(group)
