import { afterEach, describe, expect, it } from 'vitest'
import { debugFlags, withModule } from '../../src/core/debug.ts'
import { GliaError } from '../../src/core/errors.ts'
import { ops as o } from '../../src/graph/ops.ts'

const x = o.data(
  Float32Array.from({ length: 6 }, (_, i) => i),
  [2, 3],
)
const whole = o.data(Int32Array.of(1, 2, 3), [3])
const bytes = o.data(Uint8Array.of(1, 2, 3), [3])

describe('binary operations', () => {
  it('broadcast by reshape and expand', () => {
    const y = o.add(x, o.data(Float32Array.of(1, 2), [2, 1]))
    expect([y.op, y.shape, y.inputs[0]]).toEqual(['add', [2, 3], x])
    expect(y.inputs[1].op).toBe('expand')
    const z = o.mul(x, o.data(Float32Array.of(1, 2, 3), [3]))
    expect(z.inputs[1].inputs[0].shape).toEqual([1, 3])
  })

  it('promote to the higher dtype', () => {
    expect(o.add(x, whole).dtype).toBe('float32')
    expect(o.add(bytes, whole).dtype).toBe('int32')
    expect(o.mul(o.eq(whole, 1), whole).dtype).toBe('int32')
    expect(o.lt(whole, x.dtype === 'float32' ? 2 : 0).dtype).toBe('bool')
  })

  it('make constants of numbers, in the dtype of the other operand', () => {
    const y = o.sub(1, whole)
    expect(y.dtype).toBe('int32')
    const [constant] = y.inputs[0].inputs[0].inputs
    expect([constant.op, constant.shape, constant.as('constant').value]).toEqual(['constant', [], 1])
    expect(o.mul(x, 0.1).inputs[1].inputs[0].inputs[0].as('constant').value).toBe(Math.fround(0.1))
  })

  it('refuse a fraction beside integers', () => {
    expect(() => o.mul(whole, 0.5)).toThrow(GliaError)
    expect(() => o.mul(whole, 0.5)).toThrow(/mul: received the number 0.5 beside int32 \[3\].*float\(\)/)
  })
})

describe('nodes that would change nothing', () => {
  it.each([
    ['reshape', () => o.reshape(x, [2, 3])],
    ['permute', () => o.permute(x, [0, 1])],
    ['broadcastTo', () => o.broadcastTo(x, [2, 3])],
    ['cast', () => o.cast(x, 'float32')],
    ['slice', () => o.slice(x, [0, 0], [2, 3])],
    ['pad', () => o.pad(x, [0, 0], [0, 0])],
    ['concat', () => o.concat([x], 0)],
    ['flip', () => o.flip(x, [])],
    ['reduceSum', () => o.reduceSum(x, [])],
    ['sumTo', () => o.sumTo(x, [2, 3])],
  ])('%s gives back its operand', (_name, make) => {
    expect(make()).toBe(x)
  })
})

describe('compositions', () => {
  it('reduce with and without the axes, counted from either end', () => {
    expect(o.reduceSum(x, [-1]).shape).toEqual([2])
    expect(o.reduceMax(x, [1, 0], true).shape).toEqual([1, 1])
    expect(o.reduceSum(x, [1, 0]).attrs).toEqual({ axes: [0, 1] })
    expect(o.reduceSum(bytes, [0]).dtype).toBe('int32')
  })

  it('sum over the axes along which a shape was broadcast', () => {
    const wide = o.broadcastTo(x, [4, 2, 3])
    expect(o.sumTo(wide, [2, 3]).shape).toEqual([2, 3])
    expect(o.sumTo(wide, [2, 1]).shape).toEqual([2, 1])
    expect(o.sumTo(wide, []).shape).toEqual([])
  })

  it('fill', () => {
    expect(o.full([2, 0], 3, 'int32').shape).toEqual([2, 0])
    expect(o.constant(7, 'bool').as('constant').value).toBe(1)
    expect(o.constant(-2.7, 'int32').as('constant').value).toBe(-2)
  })
})

describe('the origin of a node', () => {
  const flags = debugFlags() as Set<string>
  afterEach(() => flags.delete('sites'))

  it('is the path of the modules that run', () => {
    expect(o.exp(x).origin).toBeNull()
    const inner = withModule('features', () => withModule('0', () => o.exp(x)))
    expect(inner.origin).toEqual({ module: 'features.0', site: '' })
    expect(() =>
      withModule('broken', () => {
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(o.exp(x).origin).toBeNull()
  })

  it('names the line outside the framework when debugging', () => {
    flags.add('sites')
    expect(o.add(x, 1).origin?.site).toMatch(/ops\.test\.ts:\d+/)
  })
})
