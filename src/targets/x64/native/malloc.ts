/** @file What the C library does with memory that the engine frees, such as the values of results no longer used. */
import type { Native } from './libc.ts'

const M_TRIM_THRESHOLD = -1
const M_TOP_PAD = -2
const M_MMAP_THRESHOLD = -3
const MEBI = 2 ** 20

let kept = false

/**
 * Has the C library keep up to 128 MiB that was freed for the next allocation. By default it gives blocks from 128 KiB on back
 * to the system one by one: every result then costs page faults, and with threads running, interrupts of their cores, which
 * doubles the time of a product of 256 × 256 numbers.
 */
export function keepFreedMemory(native: Native): void {
  if (kept) return
  kept = true
  // Other C libraries than glibc have no such settings.
  const mallopt = native.optional('mallopt', 'int', ['int', 'int'])
  mallopt?.(M_MMAP_THRESHOLD, 32 * MEBI)
  mallopt?.(M_TRIM_THRESHOLD, 128 * MEBI)
  mallopt?.(M_TOP_PAD, 16 * MEBI)
}
