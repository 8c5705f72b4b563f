/** @file Runs lowered contractions, by evaluation with checked accesses or on a target, and compares with naive sums. */
import { evaluateProgram } from '../../../src/kernels/evaluate.ts'
import { evaluateIndex, type Var } from '../../../src/kernels/index.ts'
import type { Contraction, Lowered } from '../../../src/kernels/kernel.ts'

/** Buffers as the target would lay them out: apart, with a gap that nothing may touch. */
export function evaluateLowered(
  c: Contraction,
  lowered: Lowered,
  inputs: readonly Float32Array[],
  parts = 1,
): Float32Array[] {
  const sizes = [16, ...c.buffers.map((b) => b.size * 4), ...lowered.scratch]
  let end = 64
  const addresses = sizes.map((bytes) => {
    const at = end
    end += Math.ceil(bytes / 64) * 64 + 64
    return at
  })
  const memory = new ArrayBuffer(end)
  const buffers = sizes.map((bytes, i) => ({ address: addresses[i], bytes }))
  const view = (i: number): Float32Array => new Float32Array(memory, addresses[1 + i], c.buffers[i].size)
  // What is not written must show.
  new Float32Array(memory).fill(Number.NaN)
  inputs.forEach((x, i) => {
    view(i).set(x)
  })
  for (const call of lowered.calls) {
    const args = call.args.map((x) =>
      'buffer' in x
        ? addresses[1 + x.buffer]
        : 'scratch' in x
          ? addresses[1 + c.buffers.length + x.scratch]
          : addresses[0],
    )
    for (let p = 0; p < parts; p++) {
      const at = (q: number): number => Math.floor((call.units * q) / parts)
      evaluateProgram(call.program, memory, [...args, at(p), at(p + 1)], { buffers })
    }
  }
  return c.buffers.map((_, i) => view(i).slice())
}

/** Calls `check` at every place of the result with the naive sum and the sum of sizes. */
export function naive(
  c: Contraction,
  a: Float32Array,
  b: Float32Array,
  check: (at: ReadonlyMap<Var, number>, sum: number, size: number) => void,
): void {
  const free = c.dims.filter((d) => d.role !== 'k')
  const summed = c.dims.filter((d) => d.role === 'k')
  const at = new Map<Var, number>()
  let [sum, size] = [0, 0]
  const add = (i: number, p: number, q: number): void => {
    if (i === summed.length) {
      sum += a[p] * b[q]
      size += Math.abs(a[p] * b[q])
      return
    }
    for (let k = 0; k < summed[i].v.extent; k++) add(i + 1, p + k * summed[i].a, q + k * summed[i].b)
  }
  const walk = (i: number, p: number, q: number): void => {
    if (i === free.length) {
      ;[sum, size] = [0, 0]
      add(0, p, q)
      check(at, sum, size)
      return
    }
    for (let k = 0; k < free[i].v.extent; k++) {
      at.set(free[i].v, k)
      walk(i + 1, p + k * free[i].a, q + k * free[i].b)
    }
  }
  walk(0, c.a.offset, c.b.offset)
}

/** The greatest error of buffer 2 relative to 1e-5 · Σ|ab|, where the epilogue stores the plain sums. */
export function worstError(c: Contraction, a: Float32Array, b: Float32Array, out: Float32Array): number {
  let worst = 0
  naive(c, a, b, (at, sum, size) => {
    const error = Math.abs(out[evaluateIndex(c.stores[0].index, at)] - sum)
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / (1e-5 * size + 1e-30))
  })
  return worst
}
