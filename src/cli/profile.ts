/** @file The kernels of a step that take longest, as a table. */

import type { KernelTime } from '../plan/device.ts'

/** Kernels that do the same to results of the same shape. */
interface Alike {
  readonly kernels: readonly KernelTime[]
  readonly ms: number
}

/** Every kernel at its fastest of several profiles: what else the machine does between them counts less. */
export function fastest(runs: readonly (readonly KernelTime[])[]): KernelTime[] {
  return (runs[0] ?? []).map((kernel, i) => ({ ...kernel, ms: Math.min(...runs.map((r) => r[i].ms)) }))
}

/**
 * A line for each kind of kernel, the slowest first: milliseconds, share of the whole, GFLOP/s of products, GB/s of the
 * values that pass between memory and processor (of those in a cache, more than memory gives), and what is computed where.
 *
 * @param count lines at most
 */
export function profileTable(kernels: readonly KernelTime[], count = 20): string {
  const total = kernels.reduce((ms, k) => ms + k.ms, 0)
  const groups = grouped(kernels).sort((a, b) => b.ms - a.ms)
  const lines = groups.slice(0, count).map(({ kernels: alike, ms }) => {
    const [{ shape, operations }] = alike
    const where = [...new Set(alike.flatMap((k) => k.modules))].slice(0, 3).join(', ')
    const times = alike.length > 1 ? `${alike.length} × ` : ''
    return [
      `${ms.toFixed(3).padStart(9)} ms`,
      `${((100 * ms) / total).toFixed(1).padStart(5)} %`,
      rate(sum(alike, 'flops'), ms, 'GFLOP/s').padStart(13),
      rate(sum(alike, 'bytes'), ms, 'GB/s').padStart(11),
      ` ${times}[${shape}] ${counted(operations)}  ${where}`.trimEnd(),
    ].join(' ')
  })
  const rest = groups.slice(count)
  if (rest.length > 0) {
    const ms = rest.reduce((n, g) => n + g.ms, 0)
    lines.push(
      `${ms.toFixed(3).padStart(9)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} % in ${rest.length} more`,
    )
  }
  const many = kernels.length === 1 ? '1 kernel' : `${kernels.length} kernels`
  return [`${many}, ${total.toFixed(2)} ms one after the other`, ...lines].join('\n')
}

function sum(kernels: readonly KernelTime[], of: 'flops' | 'bytes'): number {
  return kernels.reduce((n, k) => n + k[of], 0)
}

function rate(work: number, ms: number, unit: string): string {
  return work > 0 && ms > 0 ? `${(work / ms / 1e6).toFixed(work / ms < 1e7 ? 1 : 0)} ${unit}` : ''
}

function grouped(kernels: readonly KernelTime[]): Alike[] {
  const groups = new Map<string, KernelTime[]>()
  for (const k of kernels) {
    const key = `${counted(k.operations)} ${k.shape}`
    const alike = groups.get(key)
    if (alike) alike.push(k)
    else groups.set(key, [k])
  }
  return [...groups.values()].map((alike) => ({ kernels: alike, ms: alike.reduce((ms, k) => ms + k.ms, 0) }))
}

/** `conv, 3 mul, add` */
function counted(operations: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const o of operations) counts.set(o, (counts.get(o) ?? 0) + 1)
  return [...counts].map(([o, n]) => (n > 1 ? `${n} ${o}` : o)).join(', ')
}
