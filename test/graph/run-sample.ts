/** @file Runs samples of primitives, with their gradients, on devices, and compares the results. */
import { isFloat } from '../../src/core/dtype.ts'
import { gradients } from '../../src/graph/autograd.ts'
import { type HostArray, Node } from '../../src/graph/node.ts'
import { ops } from '../../src/graph/ops.ts'
import type { Device } from '../../src/plan/device.ts'
import { f, type Sample } from './samples/sample.ts'
import { build } from './samples.ts'

/** Results of a sample, and gradients of its float results with fixed weights. */
function graphOf(sample: Sample, inputs: readonly Node[]): Node[] {
  const results = build(sample, inputs)
  const seeds = results.flatMap((node, k) => {
    if (!isFloat(node.dtype)) return []
    return [{ node, g: ops.data(f(node.shape, 40 + k).data, node.shape) }]
  })
  const wrt = sample.differentiable.map((k) => inputs[k])
  const found = gradients(ops, seeds, wrt).filter((g) => g !== null)
  return [...results, ...found]
}

export function realised(device: Device, sample: Sample): ArrayLike<number>[] {
  const inputs = sample.inputs.map((x) => ops.data(x.data.slice(), x.shape, x.dtype))
  const results = graphOf(sample, inputs)
  device.realise(results)
  return results.map((n) => n.as('data').values)
}

export function compiled(device: Device, sample: Sample): ArrayLike<number>[] {
  const owner = {}
  const leaf = (x: HostArray, index: number): Node => new Node('parameter', [], { owner, index }, x)
  const parameters = sample.inputs.map(leaf)
  const outputs = graphOf(sample, parameters)
  const step = device.compile({ parameters, outputs, writes: new Map(), reads: new Map(), name: sample.note })
  return step.run(sample.inputs.map((x) => x.data))
}

/** The first difference beyond rounding from what was computed in float64, in words; null if there is none. */
export function sampleDifference(
  sample: Sample,
  want: readonly ArrayLike<number>[],
  got: readonly ArrayLike<number>[],
): string | null {
  const large = sample.inputs.some((x) => x.data.some((v) => Math.abs(v) > 1e37 && Number.isFinite(v)))
  for (const [k, w] of want.entries()) {
    const problem = resultDifference(w, got[k], large)
    if (problem !== null) return `result ${k}: ${problem}`
  }
  return null
}

function resultDifference(want: ArrayLike<number>, got: ArrayLike<number>, large: boolean): string | null {
  if (got.length !== want.length) return `${got.length} elements instead of ${want.length}`
  let scale = 0
  for (let i = 0; i < want.length; i++) if (Number.isFinite(want[i])) scale = Math.max(scale, Math.abs(want[i]))
  for (let i = 0; i < want.length; i++) {
    const same = got[i] === want[i] || (Number.isNaN(got[i]) && Number.isNaN(want[i]))
    // Sums that pass through the largest numbers overflow in float32, and not in the interpreter's float64.
    if (large && !Number.isFinite(got[i])) continue
    const close = Math.abs(got[i] - want[i]) <= 1e-6 + 1e-5 * Math.abs(want[i]) + 1e-6 * Math.min(scale, 100)
    if (!same && !close) return `element ${i} is ${got[i]}, not ${want[i]}`
  }
  return null
}
