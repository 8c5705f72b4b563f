/** @file Fourier transforms against PyTorch, on every device. */
import { group } from './groups/fft.ts'
import { testGroup } from './suite.ts'

testGroup(group)
