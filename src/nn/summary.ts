/** @file A model's layers as a table, as Keras prints it. Shapes come from recording the graph: nothing is computed. */
import { noGrad } from '../autograd/mode.ts'
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import { type Aval, Node } from '../graph/node.ts'
import { Trace, withTrace } from '../graph/trace.ts'
import { defaultDevice } from '../plan/device.ts'
import type { Parameter } from '../tensor/parameter.ts'
import { Tensor } from '../tensor/tensor.ts'
import { addForwardHook, firstTensor } from './hooks.ts'
import type { AnyModule } from './module.ts'

export interface SummaryRow {
  /** Path in the model, or type and number for layers without a name of their own: `conv2d_1`. */
  readonly name: string
  readonly type: string
  /** null for the batch axis; empty if the layer was not called. */
  readonly outputShape: readonly (number | null)[]
  readonly parameters: number
}

export interface Summary {
  readonly rows: readonly SummaryRow[]
  readonly total: number
  readonly trainable: number
  readonly nonTrainable: number
  /** The table as text. */
  toString(): string
}

/** Batch extent while recording: more than one, so that batch norm takes it. */
const batch = 2

export interface SummaryOptions {
  /** Of the input, or of each input (default float32; int32 for tokens). */
  readonly dtype?: DType | readonly DType[]
}

/**
 * What every layer of `model` puts out, and how many parameters it has.
 *
 * @param inputShape of one example, without the batch axis: `[1, 28, 28]`; of several inputs, a list of shapes
 */
export function summary(model: AnyModule, inputShape: Shape | readonly Shape[], options: SummaryOptions = {}): Summary {
  const shapes = inputShape.every((s) => typeof s === 'number') ? [inputShape as Shape] : (inputShape as Shape[])
  const { dtype = 'float32' } = options
  const inputs = shapes.map((s, k) => ({
    shape: [batch, ...s],
    dtype: typeof dtype === 'string' ? dtype : (dtype[k] ?? 'float32'),
  }))
  const outputs = record(model, inputs)
  const counted = new Set<Parameter>()
  const numbers = new Map<string, number>()
  const named = model.namedModules().filter(([, m]) => m.children().length === 0 || ownParameters(m).length > 0)
  // In the order of the calls; what was not called comes last.
  const order = [...outputs.keys()]
  const rank = (m: AnyModule): number => (order.includes(m) ? order.indexOf(m) : order.length)
  const rows = named
    .toSorted(([, a], [, b]) => rank(a) - rank(b))
    .map(([path, m]): SummaryRow => {
      // Bundlers put a line before the names of classes that name themselves.
      const type = m.constructor.name.replace(/^_/, '')
      const number = (numbers.get(type) ?? 0) + 1
      numbers.set(type, number)
      const fresh = ownParameters(m).filter((p) => !counted.has(p))
      for (const p of fresh) counted.add(p)
      const shape = outputs.get(m) ?? []
      return {
        name: /^[\d.]*$/.test(path) ? `${type.toLowerCase()}_${number}` : path,
        type,
        outputShape: shape.map((d, i) => (i === 0 && d === batch ? null : d)),
        parameters: fresh.reduce((n, p) => n + p.size, 0),
      }
    })
  const totals = {
    total: model.parameterCount(),
    trainable: model.parameterCount('trainable'),
    nonTrainable: model.parameterCount('frozen'),
  }
  return { rows, ...totals, toString: () => table(rows, totals) }
}

function ownParameters(m: AnyModule): Parameter[] {
  return m.namedParameters().flatMap(([name, p]) => (name.includes('.') ? [] : [p]))
}

/** Runs the model on inputs without values and notes the first shape that each module put out, in order of the calls. */
function record(model: AnyModule, inputs: readonly Aval[]): Map<AnyModule, Shape> {
  const seen = new Map<AnyModule, Shape>()
  const device = model.parameters()[0]?.device ?? defaultDevice()
  withTrace(new Trace('summary'), () => {
    const removers = model.modules().map((m) =>
      addForwardHook(m, (output) => {
        const tensor = firstTensor(output)
        if (tensor && !seen.has(m)) seen.set(m, tensor.shape)
        return undefined
      }),
    )
    try {
      const leaves = inputs.map((aval, index) => new Node('parameter', [], { owner: seen, index }, aval))
      const tensors = leaves.map((leaf) => new Tensor(leaf, device))
      noGrad(() => (model.forward as (...inputs: Tensor[]) => unknown).apply(model, tensors))
    } finally {
      for (const remove of removers) remove()
    }
  })
  return seen
}

type Totals = Pick<Summary, 'total' | 'trainable' | 'nonTrainable'>

function table(rows: readonly SummaryRow[], totals: Totals): string {
  const show = (shape: SummaryRow['outputShape']): string =>
    shape.length === 0 ? '?' : `(${shape.map((d) => d ?? 'None').join(', ')}${shape.length === 1 ? ',' : ''})`
  const cells = [
    ['Layer (type)', 'Output Shape', 'Param #'],
    ...rows.map((r) => [`${r.name} (${r.type})`, show(r.outputShape), String(r.parameters)]),
  ]
  const widths = [0, 1, 2].map((k) => Math.max(...cells.map((c) => c[k].length), k === 0 ? 24 : k === 1 ? 18 : 10) + 2)
  const lines = cells.map((c) =>
    c
      .map((text, k) => text.padEnd(widths[k]))
      .join('')
      .trimEnd(),
  )
  const rule = '='.repeat(widths.reduce((a, b) => a + b, 0))
  const number = (n: number): string => n.toLocaleString('en-US')
  return [
    lines[0],
    rule,
    ...lines.slice(1),
    rule,
    `Total params: ${number(totals.total)}`,
    `Trainable params: ${number(totals.trainable)}`,
    `Non-trainable params: ${number(totals.nonTrainable)}`,
  ].join('\n')
}
