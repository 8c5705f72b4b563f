/** @file Where a workload's time goes: its kernels, the slowest first, with the arithmetic rate of products. */
import type { KernelTime } from '../src/index.ts'
import type { Product } from './flops.ts'
import { runStep, type Workload } from './workload.ts'

/** A table of the kernels that take longest, as text. */
export function profile(name: string, workload: Workload, count = 20): string {
  runStep(workload)
  const kernels = fastest(workload).sort((a, b) => b.ms - a.ms)
  const total = kernels.reduce((ms, k) => ms + k.ms, 0)
  const lines = kernels.slice(0, count).map((k) => {
    const share = `${((100 * k.ms) / total).toFixed(1)} %`
    const rate = rateOf(k, workload.products())
    const where = [...new Set(k.modules)].slice(0, 3).join(', ')
    return `${k.ms.toFixed(3).padStart(9)} ms ${share.padStart(7)} ${rate.padStart(13)}  [${k.shape}] ${summary(k.operations)}  ${where}`
  })
  return [`${name}: ${kernels.length} kernels, ${total.toFixed(2)} ms`, ...lines].join('\n')
}

/** Every kernel at its fastest of several runs: what else the machine does between them counts less. */
function fastest({ step, inputs }: Workload, repeats = 8): KernelTime[] {
  const runs = Array.from({ length: repeats }, () => step.profile([...inputs], 1))
  return runs[0].map((kernel, i) => ({ ...kernel, ms: Math.min(...runs.map((r) => r[i].ms)) }))
}

/** `conv, 3 mul, add` for long lists. */
function summary(operations: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const o of operations) counts.set(o, (counts.get(o) ?? 0) + 1)
  return [...counts].map(([o, n]) => (n > 1 ? `${n} ${o}` : o)).join(', ')
}

/**
 * GFLOP/s of a kernel that is a product. Kernels are told by the extents of their results, in any order (gradients of
 * weights are permuted); where products of different size have the same, both rates are given.
 */
function rateOf(kernel: KernelTime, all: readonly Product[]): string {
  const operation = kernel.operations.find((o) => o === 'matmul' || o === 'conv')
  if (!operation) return ''
  const same = all.filter((p) => p.operation === operation && extents(p.shape) === extents(kernel.shape))
  const rates = [...new Set(same.map((p) => Math.round(p.flops / kernel.ms / 1e6)))].sort((a, b) => a - b)
  return rates.length === 0 ? '' : `${rates.join('/')} GFLOP/s`
}

const extents = (shape: readonly number[]): string =>
  shape
    .filter((d) => d !== 1)
    .sort((a, b) => a - b)
    .join(' ')
