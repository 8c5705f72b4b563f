import { describe, expect, it } from 'vitest'
import type { Expr } from '../../src/kernels/expr.ts'
import { add, div, type Index, indexOf, newVar, scale, type Var } from '../../src/kernels/index.ts'
import type { Kernel } from '../../src/kernels/kernel.ts'
import { kernelKey } from '../../src/kernels/key.ts'

interface Parts {
  readonly extents?: readonly [number, number]
  readonly index?: (i: Index, j: Index) => Index
  readonly value?: (x: Expr) => Expr
  readonly name?: string
  readonly size?: number
}

const constant = (value: number): Expr => ({ op: 'constant', dtype: 'float32', value })
const plus = (a: Expr, b: Expr): Expr => ({ op: 'binary', dtype: 'float32', fn: 'add', a, b })

function nest({ extents = [4, 6], index, value, name = 'nest', size = 24 }: Parts = {}): Kernel {
  // Their identities differ from call to call.
  const [i, j]: Var[] = extents.map(newVar)
  const at = (index ?? ((a, b) => add(scale(a, 6), b)))(indexOf(i), indexOf(j))
  const x: Expr = { op: 'load', dtype: 'float32', buffer: 0, index: at, guards: [{ index: indexOf(j), lo: 0, hi: 5 }] }
  return {
    kind: 'nest',
    name,
    buffers: [
      { dtype: 'float32', size },
      { dtype: 'float32', size },
    ],
    outer: [i],
    passes: [{ inner: [j], reductions: [], stores: [{ buffer: 1, index: at, value: (value ?? ((e) => e))(x) }] }],
  }
}

describe('kernelKey', () => {
  it('is the same for descriptions that differ in the identities of their variables', () => {
    const parts: Parts = { index: (i, j) => add(scale(j, 4), div(add(i, 2), 3)), value: (x) => plus(x, constant(2)) }
    expect(kernelKey(nest(parts))).toBe(kernelKey(nest(parts)))
    // Terms are kept in the order of identities, which changes at v9, v10 …
    const keys = new Set(Array.from({ length: 120 }, () => kernelKey(nest())))
    expect(keys.size).toBe(1)
  })

  it('differs in whatever a kernel computes', () => {
    const shared = (x: Expr): Expr => {
      const sum = plus(x, constant(1))
      return plus(sum, sum)
    }
    const apart = (x: Expr): Expr => plus(plus(x, constant(1)), plus(x, constant(1)))
    const kernels = [
      nest(),
      nest({ extents: [6, 4] }),
      nest({ index: (i, j) => add(i, scale(j, 4)) }),
      nest({ index: (i, j) => add(add(scale(i, 6), j), 1) }),
      nest({ name: 'other' }),
      nest({ size: 30 }),
      nest({ value: () => constant(0) }),
      nest({ value: () => constant(-0) }),
      nest({ value: () => constant(Number.NaN) }),
      nest({ value: (x) => plus(x, constant(1)) }),
      nest({ value: (x) => plus(constant(1), x) }),
      nest({ value: shared }),
      nest({ value: apart }),
    ]
    expect(new Set(kernels.map(kernelKey)).size).toBe(kernels.length)
  })
})
