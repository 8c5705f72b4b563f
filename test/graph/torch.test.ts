import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allocate, type DType, isFloat } from '../../src/core/dtype.ts'
import { type Shape, sizeOf } from '../../src/core/shape.ts'
import { gradients } from '../../src/graph/autograd.ts'
import { type Attrs, Node, type Primitive } from '../../src/graph/node.ts'
import { ops } from '../../src/graph/ops.ts'
import { rules } from '../../src/graph/primitives/table.ts'
import type { Rule } from '../../src/graph/rule.ts'
import type { Device } from '../../src/plan/device.ts'
import { devices } from '../support/devices.ts'

type Numbers = readonly (number | string)[]

interface InputSpec {
  readonly shape: Shape
  readonly scale?: number
  readonly offset?: number
  readonly dtype?: DType
  /** Absent: made by `fill`. */
  readonly values?: Numbers
}

/** What `scripts/fixtures/primitives.py` writes. */
interface Case {
  readonly op: Primitive
  readonly attrs: Attrs[Primitive]
  readonly inputs: readonly InputSpec[]
  readonly shape: Shape
  readonly output: Numbers
  readonly wrt?: readonly number[]
  readonly grads?: readonly Numbers[]
}

const fixture = new URL('../fixtures/primitives.json', import.meta.url)
const cases = JSON.parse(readFileSync(fixture, 'utf8')) as readonly Case[]

function number(v: number | string): number {
  if (typeof v === 'number') return v
  return v === 'nan' ? Number.NaN : v === 'inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
}

function fill(shape: Shape, seed: number, scale = 1, offset = 0): Float32Array {
  return Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => (((i * 7919 + seed * 104729) % 2001) / 1000 - 1) * scale + offset,
  )
}

function leaf(spec: InputSpec, seed: number): Node {
  if (!spec.values) return ops.data(fill(spec.shape, seed, spec.scale, spec.offset), spec.shape)
  const dtype = spec.dtype ?? 'float32'
  const data = allocate(dtype, spec.values.length)
  data.set(spec.values.map(number))
  return ops.data(data, spec.shape, dtype)
}

/** The output, then the gradients, of inputs mapped by `change`. */
function run(c: Case, device: Device, change: (x: Node) => Node = (x) => x): Node[] {
  const inputs = c.inputs.map((spec, seed) => change(leaf(spec, seed)))
  const rule = rules[c.op] as Rule<Primitive>
  const output = new Node(c.op, inputs, c.attrs, rule.infer(inputs, c.attrs))
  const results = [output]
  if (c.grads) {
    const g = change(ops.data(fill(c.shape, 99), c.shape))
    const wrt = (c.wrt ?? []).map((k) => inputs[k])
    gradients(ops, [{ node: output, g }], wrt).forEach((found, k) => {
      results.push(found ?? ops.full(wrt[k].shape, 0, wrt[k].dtype))
    })
  }
  device.realise(results)
  return results
}

const sums: ReadonlySet<Primitive> = new Set(['matmul', 'conv', 'reduceSum', 'cumsum', 'windowSum'])

function compare(c: Case, device: Device): void {
  const results = run(c, device)
  const [output] = results
  expect(output.shape).toEqual(c.shape)
  // Of sums, the error is measured by what is added: the same with absolute values.
  const finite = c.output.every((v) => Number.isFinite(number(v)))
  const scales = sums.has(c.op) && finite && isFloat(output.dtype) ? run(c, device, (x) => ops.abs(x)) : null
  const wanted = [c.output, ...(c.grads ?? [])]
  wanted.forEach((want, k) => {
    const got = results[k].as('data').values
    const scale = scales?.[k].as('data').values
    expect(got.length).toBe(want.length)
    want.forEach((v, i) => {
      const w = number(v)
      const allowed = scale ? 1e-5 * scale[i] : 1e-6 + 1e-5 * Math.abs(w)
      const close = got[i] === w || Math.abs(got[i] - w) <= allowed || (Number.isNaN(got[i]) && Number.isNaN(w))
      const inputs = c.inputs.map((spec) => spec.values?.[i] ?? '…')
      const what = k === 0 ? 'the output' : `gradient ${k - 1}`
      if (!close) expect.fail(`element ${i} of ${what} is ${got[i]}, but PyTorch has ${v} (inputs there: ${inputs})`)
    })
  })
}

describe.each(devices)('on %s primitives have the values and gradients of PyTorch', (_name, device) => {
  const named = cases.map((c, i) => ({ c, name: `${c.op} ${JSON.stringify(c.attrs)} (case ${i})` }))
  it.each(named)('$name', ({ c }) => {
    compare(c, device)
  })
})
