import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  constantIndex,
  delinearise,
  div,
  evaluateIndex,
  type Index,
  indexOf,
  linearise,
  mod,
  newVar,
  scale,
  strideOf,
  substitute,
  type Var,
  variablesOf,
} from '../../src/kernels/index.ts'

/** An index together with what it should be. */
interface Pair {
  readonly index: Index
  readonly value: (at: ReadonlyMap<Var, number>) => number
}

const floorDiv = (a: number, d: number): number => Math.floor(a / d)
const floorMod = (a: number, d: number): number => a - d * Math.floor(a / d)

/** A random expression over `vars`. */
function pairs(vars: readonly Var[]): fc.Arbitrary<Pair> {
  const small = fc.integer({ min: -7, max: 7 })
  const divisor = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(12, 16, 24, 49, 64))
  return fc.letrec<{ e: Pair }>((tie) => ({
    e: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(...vars).map((v): Pair => ({ index: indexOf(v), value: (at) => at.get(v) ?? 0 })),
      small.map((c): Pair => ({ index: constantIndex(c), value: () => c })),
      fc
        .tuple(tie('e'), tie('e'))
        .map(([a, b]): Pair => ({ index: add(a.index, b.index), value: (at) => a.value(at) + b.value(at) })),
      fc.tuple(tie('e'), small).map(([a, k]): Pair => ({ index: scale(a.index, k), value: (at) => a.value(at) * k })),
      fc
        .tuple(tie('e'), divisor)
        .map(([a, d]): Pair => ({ index: div(a.index, d), value: (at) => floorDiv(a.value(at), d) })),
      fc
        .tuple(tie('e'), divisor)
        .map(([a, d]): Pair => ({ index: mod(a.index, d), value: (at) => floorMod(a.value(at), d) })),
    ),
  })).e
}

function eachPoint(vars: readonly Var[], visit: (at: Map<Var, number>) => void): void {
  const at = new Map<Var, number>()
  const go = (i: number): void => {
    if (i === vars.length) {
      visit(at)
      return
    }
    for (let x = 0; x < vars[i].extent; x++) {
      at.set(vars[i], x)
      go(i + 1)
    }
  }
  go(0)
}

const extents = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 })

describe('index expressions', () => {
  it('equal what they stand for, within their bounds', () => {
    fc.assert(
      fc.property(
        extents.chain((shape) => {
          const vars = shape.map(newVar)
          return pairs(vars).map((pair) => ({ vars, pair }))
        }),
        ({ vars, pair: { index, value } }) => {
          eachPoint(vars, (at) => {
            const x = value(at) + 0
            expect(evaluateIndex(index, at)).toBe(x)
            expect(x).toBeGreaterThanOrEqual(index.lo)
            expect(x).toBeLessThanOrEqual(index.hi)
          })
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('substitute as they evaluate', () => {
    fc.assert(
      fc.property(
        fc.tuple(extents, extents).chain(([shape, other]) => {
          const vars = shape.map(newVar)
          const fresh = other.map(newVar)
          return fc.record({
            vars: fc.constant(vars),
            fresh: fc.constant(fresh),
            pair: pairs(vars),
            by: fc.tuple(
              ...vars.map((v) =>
                pairs(fresh).map((p) => ({ v, inside: { index: mod(p.index, v.extent), value: p.value } })),
              ),
            ),
          })
        }),
        ({ vars, fresh, pair, by }) => {
          const replaced = substitute(pair.index, new Map(by.map(({ v, inside }) => [v, inside.index])))
          const left = new Set<Var>()
          variablesOf(replaced, left)
          expect(vars.some((v) => left.has(v))).toBe(false)
          eachPoint(fresh, (at) => {
            const inner = new Map(by.map(({ v, inside }) => [v, floorMod(inside.value(at), v.extent)]))
            expect(evaluateIndex(replaced, at)).toBe(pair.value(inner) + 0)
          })
        },
      ),
      { numRuns: 500 },
    )
  })

  it('tell the stride of a variable', () => {
    fc.assert(
      fc.property(
        extents.chain((shape) => {
          const vars = shape.map(newVar)
          return pairs(vars).map((pair) => ({ vars, pair }))
        }),
        ({ vars, pair: { index, value } }) => {
          for (const v of vars) {
            const stride = strideOf(index, v)
            if (stride === null) continue
            eachPoint(vars, (at) => {
              const x = at.get(v) ?? 0
              const before = value(at)
              const after = value(new Map(at).set(v, x + 1))
              if (x + 1 < v.extent) expect(after - before + 0).toBe(stride)
            })
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

const strides = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1))

describe('recovery of affine addresses', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 })

  it('flatten after unflatten is nothing', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const linear = indexOf(newVar(shape.reduce((n, d) => n * d, 1)))
        expect(linearise(delinearise(linear, shape), strides(shape)).key).toBe(linear.key)
      }),
    )
  })

  it('unflatten after flatten is nothing', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const vars = shape.map(newVar)
        const back = delinearise(linearise(vars.map(indexOf), strides(shape)), shape)
        expect(back.map((i) => i.key)).toEqual(vars.map((v) => indexOf(v).key))
      }),
    )
  })

  it('a reshape and back is nothing, whatever lies between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(2, 3, 4, 5), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        (factors, p, q) => {
          const group = (bits: number): number[] => {
            const out = [1]
            factors.forEach((f, i) => {
              if ((bits >> i) & 1) out.push(f)
              else out[out.length - 1] *= f
            })
            return out
          }
          const [from, to] = [group(p), group(q)]
          const vars = from.map(newVar)
          const linear = linearise(vars.map(indexOf), strides(from))
          const again = linearise(delinearise(linear, to), strides(to))
          expect(again.key).toBe(linear.key)
          const there = delinearise(again, from)
          expect(there.map((i) => i.key)).toEqual(vars.map((v) => indexOf(v).key))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('sees through a reshape and back with a flip between others', () => {
    const [n, c] = [newVar(5), newVar(48)]
    const flat = linearise([indexOf(n), indexOf(c)], [48, 1])
    const [i, j, k] = delinearise(flat, [5, 6, 8])
    expect(linearise([i, j, k], [48, 8, 1]).key).toBe(flat.key)
    const flipped = linearise([add(scale(i, -1), 4), j, k], [48, 8, 1])
    expect(flipped.affine).toBe(true)
    expect(strideOf(flipped, n)).toBe(-48)
    expect(strideOf(flipped, c)).toBe(1)
  })

  it('keeps convolution windows affine', () => {
    const [b, c, oh, ow, kh, kw] = [2, 3, 4, 5, 3, 3].map(newVar)
    const y = add(scale(indexOf(oh), 2), indexOf(kh))
    const x = add(scale(indexOf(ow), 2), indexOf(kw))
    const at = linearise([indexOf(b), indexOf(c), y, x], [3 * 9 * 11, 99, 11, 1])
    expect(at.affine).toBe(true)
    // As [N·C, H·W] and back.
    const [rows, cols] = delinearise(at, [6, 99])
    const [h, w] = delinearise(cols, [9, 11])
    expect(linearise([rows, h, w], [99, 11, 1]).key).toBe(at.key)
  })

  it('makes pixel shuffle affine in its factors', () => {
    // [C·r², H, W] → [C, H·r, W·r], read at (c, h·r + i, w·r + j).
    const r = 3
    const [c, h, w, i, j] = [4, 5, 6, r, r].map(newVar)
    const [oh, ow] = [add(scale(indexOf(h), r), indexOf(i)), add(scale(indexOf(w), r), indexOf(j))]
    const flat = linearise([indexOf(c), oh, ow], [15 * 18, 18, 1])
    const split = delinearise(flat, [4, 5, r, 6, r])
    const at = linearise([split[0], split[2], split[4], split[1], split[3]], [r * r * 30, r * 30, 30, 6, 1])
    expect(at.affine).toBe(true)
    expect([c, h, w, i, j].map((v) => strideOf(at, v))).toEqual([270, 6, 1, 90, 30])
  })

  it('joins remainders of quotients', () => {
    const x = indexOf(newVar(1000))
    const joined = add(scale(mod(div(x, 5), 7), 5), mod(x, 5))
    expect(joined.key).toBe(mod(x, 35).key)
  })

  it('undoes a reversed reshape', () => {
    const v = newVar(60)
    const back = add(scale(indexOf(v), -1), 59)
    const again = linearise(delinearise(back, [3, 4, 5]), [20, 5, 1])
    expect(again.key).toBe(back.key)
  })
})
