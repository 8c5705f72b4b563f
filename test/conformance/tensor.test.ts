/** @file Every method and function of tensors against PyTorch, on every device. */
import { group } from './groups/tensor.ts'
import { testGroup } from './suite.ts'

testGroup(group)
