/** @file Where a workload's time goes: its kernels, the slowest first, with the rates of arithmetic and memory. */
import { fastest, profileTable } from '../src/cli/profile.ts'
import { runStep, type Workload } from './workload.ts'

/** A table of what takes longest, as text. */
export function profile(name: string, workload: Workload, count = 20): string {
  runStep(workload)
  const { step, inputs } = workload
  const kernels = fastest(Array.from({ length: 8 }, () => step.profile([...inputs], 1)))
  return `${name}: ${profileTable(kernels, count)}`
}
