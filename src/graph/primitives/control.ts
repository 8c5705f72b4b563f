/** @file Leaves, dependencies, loops and host calls: what is not arithmetic. */
import { allocate } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { sameShape } from '../../core/shape.ts'
import type { Aval, LoopAttrs, Primitive } from '../node.ts'
import type { Rule } from '../rule.ts'
import { checkList, show } from './check.ts'

/** Leaves are made with their shape; nothing is inferred, and they have no operands to differentiate. */
function leaf<P extends Primitive>(evaluate: Rule<P>['evaluate']): Rule<P> {
  return {
    infer: () => {
      throw new Error('internal: a leaf is made with its shape')
    },
    vjp: () => [],
    evaluate,
  }
}

function notEvaluated(): never {
  throw new Error('internal: devices evaluate this primitive themselves')
}

export const data: Rule<'data'> = leaf((_inputs, { values }) => values)
export const constant: Rule<'constant'> = leaf((_inputs, { value }, out) => allocate(out.dtype, 1).fill(value))
export const cell: Rule<'cell'> = leaf(notEvaluated)
export const parameter: Rule<'parameter'> = leaf(notEvaluated)

export const alias: Rule<'alias'> = {
  infer: ([x]) => x,
  vjp: (_o, g, y) => {
    const { vjp } = y.as('alias')
    // A custom gradient speaks for the function's arguments; the recorded value itself is not differentiated.
    return vjp ? [null, ...vjp(g, y)] : [g, ...y.inputs.slice(1).map(() => null)]
  },
  evaluate: ([x]) => x.data,
}

/** Loops and host calls have several results: `autograd.ts` differentiates them as a whole. */
function asWhole(): never {
  throw new Error('internal: several results are differentiated together')
}

export const loop: Rule<'loop'> = {
  infer: (inputs, attrs) => {
    checkLoop(inputs, attrs)
    return { shape: [], dtype: 'float32' }
  },
  vjp: asWhole,
  evaluate: notEvaluated,
}

function checkLoop(inputs: readonly Aval[], { carries, scanned, length, params, results }: LoopAttrs): void {
  if (!Number.isInteger(length) || length < 0) {
    throw new GliaError(`loop: received length ${length}; it must be an integer of at least 0.`)
  }
  if (inputs.length !== params.length || carries + scanned > params.length || carries > results.length) {
    throw new GliaError(
      `loop: received ${inputs.length} inputs for a body of ${params.length} parameters and ${results.length} results, ` +
        `${carries} of them carries and ${scanned} scanned; there must be an input for each parameter and a result for each carry.`,
    )
  }
  params.forEach((p, i) => {
    const slice = i >= carries && i < carries + scanned
    const x = inputs[i]
    const given: Aval = slice ? { shape: x.shape.slice(1), dtype: x.dtype } : x
    if (slice && x.shape[0] !== length) {
      throw new GliaError(`loop: runs ${length} times, but input ${i} is ${show(x)}: its first axis must be ${length}.`)
    }
    if (!sameShape(given.shape, p.shape) || given.dtype !== p.dtype) {
      throw new GliaError(`loop: parameter ${i} of the body is ${show(p)}, but receives ${show(given)}.`)
    }
  })
  results.slice(0, carries).forEach((r, i) => {
    if (!sameShape(r.shape, params[i].shape) || r.dtype !== params[i].dtype) {
      throw new GliaError(
        `loop: carry ${i} starts as ${show(params[i])}, but the body returns ${show(r)}; it must not change shape or dtype.`,
      )
    }
  })
}

export const output: Rule<'output'> = {
  infer: ([node], { index }) => {
    const whole = node as unknown as { op: string; attrs: unknown }
    if (whole.op === 'hostCall') return (whole.attrs as { outputs: readonly Aval[] }).outputs[index]
    const { results, carries, length } = whole.attrs as LoopAttrs
    const r = results[index]
    return { shape: index < carries ? r.shape : [length, ...r.shape], dtype: r.dtype }
  },
  vjp: asWhole,
  evaluate: notEvaluated,
}

export const hostCall: Rule<'hostCall'> = {
  infer: (_inputs, { fn, outputs }) => {
    for (const { shape } of outputs) checkList(`hostCall ${fn.name}`, 'output shape', shape, shape.length, 0)
    return { shape: [], dtype: 'float32' }
  },
  vjp: asWhole,
  evaluate: notEvaluated,
}
