/** @file Every learning rate schedule against PyTorch's. */
import { group } from './groups/schedules.ts'
import { testGroup } from './suite.ts'

testGroup(group)
