/** @file Linear algebra against PyTorch, on every device. */
import { group } from './groups/linalg.ts'
import { testGroup } from './suite.ts'

testGroup(group)
