/** @file Where a workload's time goes: its kernels, the slowest first, with the arithmetic rate of products. */
import type { KernelTime } from '../src/index.ts'
import type { Product } from './flops.ts'
import { runStep, type Workload } from './workload.ts'

/** Kernels that do the same to results of the same shape. */
interface Alike {
  readonly kernels: KernelTime[]
  readonly ms: number
}

/** A table of what takes longest, as text. */
export function profile(name: string, workload: Workload, count = 20): string {
  runStep(workload)
  const kernels = fastest(workload)
  const flops = flopsOf(kernels, workload.products())
  const total = kernels.reduce((ms, k) => ms + k.ms, 0)
  const lines = grouped(kernels)
    .sort((a, b) => b.ms - a.ms)
    .slice(0, count)
    .map(({ kernels: alike, ms }) => {
      const work = alike.reduce((n, k) => n + (flops.get(k) ?? 0), 0)
      const [{ shape }] = alike
      const where = [...new Set(alike.flatMap((k) => k.modules))].slice(0, 3).join(', ')
      return [
        `${ms.toFixed(3).padStart(9)} ms`,
        `${((100 * ms) / total).toFixed(1).padStart(5)} %`,
        (work > 0 ? `${(work / ms / 1e6).toFixed(0)} GFLOP/s` : '').padStart(13),
        `${alike.length} × [${shape}] ${summary(alike[0])}  ${where}`,
      ].join(' ')
    })
  return [`${name}: ${kernels.length} kernels, ${total.toFixed(2)} ms`, ...lines].join('\n')
}

/** Every kernel at its fastest of several runs: what else the machine does between them counts less. */
function fastest({ step, inputs }: Workload, repeats = 8): KernelTime[] {
  const runs = Array.from({ length: repeats }, () => step.profile([...inputs], 1))
  return runs[0].map((kernel, i) => ({ ...kernel, ms: Math.min(...runs.map((r) => r[i].ms)) }))
}

function grouped(kernels: readonly KernelTime[]): Alike[] {
  const groups = new Map<string, KernelTime[]>()
  for (const k of kernels) {
    const key = `${summary(k)} ${k.shape}`
    groups.set(key, [...(groups.get(key) ?? []), k])
  }
  return [...groups.values()].map((alike) => ({ kernels: alike, ms: alike.reduce((ms, k) => ms + k.ms, 0) }))
}

/** `conv, 3 mul, add` */
function summary({ operations }: KernelTime): string {
  const counts = new Map<string, number>()
  for (const o of operations) counts.set(o, (counts.get(o) ?? 0) + 1)
  return [...counts].map(([o, n]) => (n > 1 ? `${n} ${o}` : o)).join(', ')
}

/**
 * Floating-point operations of the kernels that are products. Kernel and product are told by the extents of their results,
 * in any order (gradients of weights are permuted); of several, the longest kernel is taken for the largest product.
 */
function flopsOf(kernels: readonly KernelTime[], all: readonly Product[]): Map<KernelTime, number> {
  const left = [...all].sort((a, b) => b.flops - a.flops)
  const found = new Map<KernelTime, number>()
  for (const kernel of [...kernels].sort((a, b) => b.ms - a.ms)) {
    const i = left.findIndex((p) => kernel.operations.includes(p.operation) && extents(p) === extents(kernel))
    if (i >= 0) found.set(kernel, left.splice(i, 1)[0].flops)
  }
  return found
}

const extents = ({ shape }: { readonly shape: readonly number[] }): string =>
  shape
    .filter((d) => d !== 1)
    .sort((a, b) => a - b)
    .join(' ')
