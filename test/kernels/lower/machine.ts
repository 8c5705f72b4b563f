/** @file Runs lowered kernels by evaluation, every access checked, and compares memory with the reference's. */
import { dtypes } from '../../../src/core/dtype.ts'
import { evaluateProgram } from '../../../src/kernels/evaluate.ts'
import type { BufferInfo, Kernel, Lowered, Nest } from '../../../src/kernels/kernel.ts'
import { lowerNest } from '../../../src/kernels/lower/nest.ts'
import type { Machine } from '../../../src/kernels/vector.ts'
import { allocate, type Memory, runNest } from './reference.ts'

export function machine(lanes: number, pairs = false): Machine {
  return { lanes, pairs, vectorRegisters: 16, fused: false, l1: 32 << 10, l2: 1 << 20 }
}

/** How calls are carried out. Returns the status block; `memory` is updated. */
export type Runner = (lowered: Lowered, buffers: readonly BufferInfo[], memory: Memory) => Int32Array

const GAP = 64

/** Buffers lie apart, each as long as its elements are, and nothing between them may be touched. */
export function evaluating(parts: number): Runner {
  return (lowered, buffers, memory) => {
    const bytes = [16, ...buffers.map((b) => b.size * dtypes[b.dtype].bytes), ...lowered.scratch]
    let end = GAP
    const addresses = bytes.map((n) => {
      const at = end
      end += Math.ceil(n / GAP) * GAP + GAP
      return at
    })
    const ram = new Uint8Array(end).fill(0xa5)
    const ranges = bytes.map((n, i) => ({ address: addresses[i], bytes: n }))
    const status = new Int32Array(ram.buffer, addresses[0], 4).fill(0)
    const view = (i: number): Uint8Array => ram.subarray(addresses[i + 1], addresses[i + 1] + bytes[i + 1])
    const raw = (i: number): Uint8Array => new Uint8Array(memory[i].buffer, memory[i].byteOffset, memory[i].byteLength)
    buffers.forEach((_, i) => {
      view(i).set(raw(i))
    })
    for (const call of lowered.calls) {
      const args = call.args.map((x) => {
        if ('status' in x) return addresses[0]
        return 'buffer' in x ? addresses[1 + x.buffer] : addresses[1 + buffers.length + x.scratch]
      })
      // The last part first: no order between threads may be relied on.
      for (let p = parts - 1; p >= 0; p--) {
        const at = (q: number): number => Math.floor((call.units * q) / parts)
        evaluateProgram(call.program, ram.buffer, [...args, at(p), at(p + 1)], { buffers: ranges })
      }
    }
    buffers.forEach((_, i) => {
      raw(i).set(view(i))
    })
    return status
  }
}

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

export const close: Tolerance = { relative: 2e-5, absolute: 2e-6 }

/** Runs `nest` as `runner` does and as the reference does, from the same memory. */
export function checkNest(nest: Nest, memory: Memory, on: Machine, runner: Runner, tolerance: Tolerance = close): void {
  const expected = memory.map((m) => m.slice())
  const failures = runNest(nest, expected)
  const actual = memory.map((m) => m.slice())
  const status = runner(lowerNest(nest, on), nest.buffers, actual)
  const [code, operation, value, size] = status
  const reported = failures.some((f) => f.operation === operation && f.value === value && f.size === size)
  if (code !== (failures.length > 0 ? 1 : 0) || (failures.length > 0 && !reported)) {
    throw new Error(`${nest.name}: status ${status.join()} for ${failures.length} failures`)
  }
  if (failures.length > 0) return
  compareMemory(nest, actual, expected, tolerance)
}

export function compareMemory(
  kernel: Kernel,
  actual: Memory,
  expected: Memory,
  { relative, absolute }: Tolerance,
): void {
  kernel.buffers.forEach((_, i) => {
    const [a, e] = [actual[i], expected[i]]
    for (let k = 0; k < e.length; k++) {
      const same = Object.is(a[k], e[k]) || a[k] === e[k]
      if (same || (Number.isNaN(a[k]) && Number.isNaN(e[k]))) continue
      const off = Math.abs(a[k] - e[k])
      if (e instanceof Float32Array && off <= absolute + relative * Math.abs(e[k])) continue
      throw new Error(`${kernel.name}: buffer ${i} element ${k} is ${a[k]}, not ${e[k]}`)
    }
  })
}

/** Memory for the buffers, filled by `fill(buffer, element)`. */
export function memoryFor(buffers: readonly BufferInfo[], fill: (buffer: number, i: number) => number): Memory {
  return buffers.map((info, buffer) => {
    const m = allocate(info)
    for (let i = 0; i < m.length; i++) m[i] = fill(buffer, i)
    return m
  })
}
