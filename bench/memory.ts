/** @file Peak memory of a workload in this process: what it takes beyond what the process held before. Linux only. */
import { readFileSync, writeFileSync } from 'node:fs'
import { runStep, type Workload } from './workload.ts'

export interface PeakMemory {
  /** Resident bytes before the workload was made, with everything imported. */
  readonly before: number
  /** The most that was resident at any moment since, less `before`. */
  readonly peak: number
}

/** Makes the workload and runs ten steps. */
export function peakMemory(make: () => Workload): PeakMemory {
  // Starts the high-water mark anew; without it the compiler's own peak at start-up would count.
  writeFileSync('/proc/self/clear_refs', '5')
  const before = resident('VmRSS')
  const workload = make()
  for (let i = 0; i < 10; i++) runStep(workload)
  return { before, peak: resident('VmHWM') - before }
}

/** A figure of the kernel's about this process, in bytes. */
function resident(field: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
