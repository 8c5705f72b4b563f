/** @file Lowered nests on the WebAssembly target, threads included. */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { dtypes } from '../../../src/core/dtype.ts'
import { indexOf, newVar, zero } from '../../../src/kernels/index.ts'
import type { BufferInfo, Nest } from '../../../src/kernels/kernel.ts'
import { lowerNest } from '../../../src/kernels/lower/nest.ts'
import type { Step } from '../../../src/targets/target.ts'
import { createWasmTargetSync, type WasmTarget } from '../../../src/targets/wasm/index.ts'
import { floats, load, nest, pass, place, reduced, store } from './build.ts'
import { checkNest, memoryFor, type Runner } from './machine.ts'
import { drawNest } from './nests.ts'

/** Runs lowered kernels on a target. */
function running(target: WasmTarget): Runner {
  return (lowered, buffers, memory) => {
    const bytes = [16, ...buffers.map((b) => b.size * dtypes[b.dtype].bytes), ...lowered.scratch]
    const slots = bytes.map((n) => target.allocate(n))
    target.view(slots[0], 16).fill(0)
    const raw = (i: number): Uint8Array => new Uint8Array(memory[i].buffer, memory[i].byteOffset, memory[i].byteLength)
    buffers.forEach((_, i) => {
      target.view(slots[i + 1], bytes[i + 1]).set(raw(i))
    })
    const steps: Step[] = []
    lowered.calls.forEach((call, program) => {
      if (call.after) steps.push({ op: 'barrier' })
      const args = call.args.map((x) => {
        const slot = 'status' in x ? 0 : 'buffer' in x ? 1 + x.buffer : 1 + buffers.length + x.scratch
        return { slot, offset: 0 }
      })
      steps.push({ op: 'kernel', program, args, units: call.units })
    })
    const code = { programs: lowered.calls.map((c) => c.program), segments: [steps], slots: slots.length }
    const plan = target.load(code)
    plan.run(0, slots)
    plan.unload()
    buffers.forEach((_, i) => {
      raw(i).set(target.view(slots[i + 1], bytes[i + 1]))
    })
    const status = new Int32Array(target.view(slots[0], 16).slice().buffer)
    for (const s of slots) target.free(s)
    return status
  }
}

const fill = (buffers: readonly BufferInfo[], seed: number) =>
  memoryFor(buffers, (buffer, i) => {
    const x = Math.imul(i * 31 + buffer * 17 + seed, 0x9e3779b1) >>> 16
    const { dtype } = buffers[buffer]
    if (dtype === 'float32') return ((x % 33) - 16) / 8
    return dtype === 'int32' ? x % 2 : x % (dtype === 'bool' ? 2 : 256)
  })

describe.each([1, 2])('on wasm with %i threads', (threads) => {
  const target = createWasmTargetSync({ threads })
  afterAll(() => target.close())

  it('random nests compute what their description says', () => {
    fc.assert(
      fc.property(fc.gen(), fc.nat({ max: 1000 }), (g, seed) => {
        const { nest: n, exact } = drawNest(g)
        const tolerance = exact ? { relative: 1e-6, absolute: 1e-6 } : { relative: 1e-4, absolute: 1e-4 }
        checkNest(n, fill(n.buffers, seed), target.machine, running(target), tolerance)
      }),
      { numRuns: 150 },
    )
  })

  it('sums four million floats to float32 accuracy', () => {
    const count = 4 << 20
    const v = newVar(count)
    const n: Nest = nest(
      [floats(count), floats(1)],
      [],
      [pass([v], [{ id: 0, op: 'sum', value: load(0, indexOf(v)) }], []), pass([], [], [store(1, zero, reduced(0))])],
    )
    const memory = memoryFor(n.buffers, (b, i) =>
      b === 0 ? Math.fround(((Math.imul(i, 0x9e3779b1) >>> 8) % 1000) / 999) : 0,
    )
    let exact = 0
    for (const x of memory[0]) exact += x
    running(target)(lowerNest(n, target.machine), n.buffers, memory)
    expect(Math.abs(memory[1][0] / exact - 1)).toBeLessThan(3e-7)
  })

  it('sums far columns in blocks of rows', () => {
    const [rows, cols] = [1061, 523]
    const [r, c] = [newVar(rows), newVar(cols)]
    const n: Nest = nest(
      [floats(rows * cols), floats(cols)],
      [c],
      [
        pass([r], [{ id: 0, op: 'sum', value: load(0, place([r, c], [rows, cols])) }], []),
        pass([], [], [store(1, indexOf(c), reduced(0))]),
      ],
    )
    expect(lowerNest(n, target.machine).calls.length).toBe(2)
    checkNest(n, fill(n.buffers, 3), target.machine, running(target))
  })
})
