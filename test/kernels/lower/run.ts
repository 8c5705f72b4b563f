/** @file Runs lowered contractions, by evaluation with checked accesses or on a target, and compares with naive sums. */
import { evaluateProgram } from '../../../src/kernels/evaluate.ts'
import { evaluateIndex, type Var } from '../../../src/kernels/index.ts'
import type { Contraction, Lowered } from '../../../src/kernels/kernel.ts'
import type { Step, Target } from '../../../src/targets/target.ts'

/** Buffers as the target would lay them out: apart, with a gap that nothing may touch. */
export function evaluateLowered(
  c: Contraction,
  lowered: Lowered,
  given: readonly (Float32Array | null)[],
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
  given.forEach((x, i) => {
    if (x) view(i).set(x)
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

/** Buffers of an allocation on a target, run there. */
export function runLowered(
  target: Target,
  c: Contraction,
  lowered: Lowered,
  given: readonly (Float32Array | null)[],
): Float32Array[] {
  const bytes = [64, ...c.buffers.map((b) => b.size * 4), ...lowered.scratch]
  const slots = bytes.map((n) => target.allocate(Math.max(64, n)))
  const floats = (i: number): Float32Array => {
    const view = target.view(slots[1 + i], c.buffers[i].size * 4)
    return new Float32Array(view.buffer, view.byteOffset, c.buffers[i].size)
  }
  target.view(slots[0], 64).fill(0)
  c.buffers.forEach((_, i) => {
    const x = given[i]
    if (x) floats(i).set(x)
    else floats(i).fill(Number.NaN)
  })
  const plan = target.load({
    programs: lowered.calls.map((x) => x.program),
    segments: [stepsOf(c, lowered)],
    slots: slots.length,
  })
  plan.run(0, slots)
  plan.unload()
  const out = c.buffers.map((_, i) => floats(i).slice())
  for (const s of slots) target.free(s)
  return out
}

/** The calls as steps of a plan whose slots are: status, the kernel's buffers, its scratch. */
export function stepsOf(c: Contraction, lowered: Lowered): Step[] {
  return lowered.calls.flatMap((call, program): Step[] => {
    const args = call.args.map((x) => {
      const slot = 'buffer' in x ? 1 + x.buffer : 'scratch' in x ? 1 + c.buffers.length + x.scratch : 0
      return { slot, offset: 0 }
    })
    const kernel: Step = { op: 'kernel', program, args, units: call.units }
    return call.after ? [{ op: 'barrier' }, kernel] : [kernel]
  })
}

/** Random contents for every buffer that is read; null for those written. */
export function inputs(c: Contraction): (Float32Array | null)[] {
  let seed = 7
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return seed / 0x3fffffff - 1
  }
  const written = new Set(c.stores.map((s) => s.buffer))
  return c.buffers.map((b, i) => (written.has(i) ? null : Float32Array.from({ length: b.size }, random)))
}

type Buffers = readonly (Float32Array | null)[]
const none = new Float32Array(0)

/** The greatest error of buffer 2 relative to 1e-5 · Σ|ab|, where the epilogue stores the plain sums. */
export function worstError(c: Contraction, given: Buffers, out: readonly Float32Array[]): number {
  let worst = 0
  naive(c, given[0] ?? none, given[1] ?? none, (at, sum, size) => {
    const error = Math.abs(out[2][evaluateIndex(c.stores[0].index, at)] - sum)
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / (1e-5 * size + 1e-30))
  })
  return worst
}

/** The same for what `biasReluTwice` stores. */
export function worstEpilogueError(c: Contraction, given: Buffers, out: readonly Float32Array[]): number {
  let worst = 0
  const size0 = (given[4] ?? none).length
  naive(c, given[0] ?? none, given[1] ?? none, (at, sum, size) => {
    const place = evaluateIndex(c.stores[0].index, at)
    const first = Math.max(0, sum + (given[4] ?? none)[place % size0] + (given[5] ?? none)[place])
    const second = 2 * sum
    const got = [out[2][place], out[3][evaluateIndex(c.stores[1].index, at)]]
    const error = Math.max(Math.abs(got[0] - first), Math.abs(got[1] - second) / 2)
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / (1e-5 * size + 1e-6))
  })
  return worst
}
