/** @file A run that fails changes no cell, wherever in the plan it fails. */
import { describe, expect, it } from 'vitest'
import { Cell } from '../../src/graph/cell.ts'
import { Node } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import { createDeviceSync } from '../../src/plan/create.ts'
import { makeLoop } from '../graph/samples/sample.ts'

const refusing = {
  name: 'refusing',
  run: ([x]: readonly { readonly data: ArrayLike<number> }[]): void => {
    if (x.data[2] > 10) throw new Error('index 99 is out of range')
  },
}

const failing: Record<string, (table: Node, k: Node) => Node> = {
  'a kernel': (table, k) => o.gather(table, o.bound(k, 8, 'embedding'), 0),
  'a loop': (table, k) =>
    makeLoop(o, {
      carries: [o.full([], 0, 'float32')],
      xs: [k],
      invariants: [table],
      length: 4,
      body: ([c], [i], [t]) => ({ carries: [o.add(c, o.gather(t, o.bound(i, 8, 'embedding'), 0))] }),
    })[0],
  'a loop in a loop': (table, k) =>
    makeLoop(o, {
      carries: [o.full([], 0, 'float32')],
      invariants: [table, k],
      length: 2,
      body: ([c], _, [t, all]) => ({
        carries: makeLoop(o, {
          carries: [c],
          xs: [all],
          invariants: [t],
          length: 4,
          body: ([d], [i], [u]) => ({ carries: [o.add(d, o.gather(u, o.bound(i, 8, 'embedding'), 0))] }),
        }),
      }),
    })[0],
  'the input of a sort': (_, k) => o.cast(o.argsort(o.bound(k, 8, 'sort'), 0, false), 'float32'),
  'a host function': (_, k) => o.hostCall([k], { fn: refusing, outputs: [{ shape: [4], dtype: 'float32' }] })[0],
}

describe.each([1, 2])('on %i threads, a failure changes no cell', (threads) => {
  const device = createDeviceSync('wasm', { threads })
  it.each(Object.entries(failing))('in %s', (_name, make) => {
    const cell = new Cell(new Float32Array(64).fill(1), [64], 'float32')
    const leaf = new Node('cell', [], { cell, version: -1 }, cell)
    const k = new Node('parameter', [], { owner: {}, index: 0 }, { shape: [4], dtype: 'int32' })
    const table = o.data(new Float32Array(8), [8])
    const step = device.compile({
      parameters: [k],
      outputs: [make(table, k)],
      writes: new Map([[cell, o.mul(leaf, 2)]]),
      reads: new Map([[cell, leaf]]),
      name: 'step',
    })
    const held = (): number[] => {
      const value = o.add(cell.read(), 0)
      device.realise([value])
      return Array.from(new Set(value.as('data').values))
    }
    step.run([Int32Array.of(0, 1, 2, 3)])
    expect(held()).toEqual([2])
    expect(() => step.run([Int32Array.of(0, 1, 99, 3)])).toThrow(/index 99 is out of range/)
    expect(held()).toEqual([2])
    step.run([Int32Array.of(0, 1, 2, 3)])
    expect(held()).toEqual([4])
  })
})
