/** @file Weights computed from other parameters at each use: weight normalisation and spectral normalisation. */
import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { normaliseAxis } from '../core/shape.ts'
import { Buffer, Parameter } from '../tensor/parameter.ts'
import { randn } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts, checkEps } from './check.ts'
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './conv.ts'
import type { AnyModule } from './module.ts'

type Properties = Record<string, unknown>

function parameterOf(operation: string, module: AnyModule, name: string): Parameter {
  const value = (module as unknown as Properties)[name]
  if (value instanceof Parameter) return value
  const names = module.namedParameters().map(([n]) => n)
  throw new GliaError(
    `${operation}: ${module.constructor.name} has no parameter '${name}'; it has ${names.join(', ') || 'none'}.`,
  )
}

/**
 * Replaces the parameter `name` by what `value` computes whenever it is read, and has `before` called before each
 * `forward`. Both go onto an object between the module and its class, so that the class stays as it is.
 */
function reparametrise(
  module: AnyModule,
  name: string,
  parts: Properties,
  value: () => Tensor,
  before = () => {},
): void {
  const base = Object.getPrototypeOf(module) as { forward: (...args: unknown[]) => unknown }
  const between = Object.create(base, {
    [name]: { get: value, configurable: true },
    forward: {
      configurable: true,
      value(this: AnyModule, ...args: unknown[]): unknown {
        before()
        return base.forward.apply(this, args)
      },
    },
  }) as object
  Reflect.deleteProperty(module, name)
  Object.assign(module, parts)
  Object.setPrototypeOf(module, between)
}

export interface WeightNormOptions {
  /** Which parameter (default `weight`). */
  readonly name?: string
  /** The axis whose entries have lengths of their own (default 0); null: one length for all. */
  readonly dim?: number | null
}

/**
 * Weight normalisation (Salimans & Kingma 2016): length and direction of a weight as parameters of their own,
 * w = g v / ‖v‖. Changes `module` and returns it.
 *
 * Parameters: instead of `weight`, `weight_g` (the lengths, its other axes of extent 1) and `weight_v`.
 */
export function weightNorm<M extends AnyModule>(module: M, options: WeightNormOptions = {}): M {
  const { name = 'weight', dim = 0 } = options
  const weight = parameterOf('weightNorm', module, name)
  const axis = dim === null ? null : normaliseAxis('weightNorm', dim, weight.rank)
  const others = weight.shape.flatMap((_, i) => (i === axis ? [] : [i]))
  const length = (t: Tensor): Tensor => t.norm(2, others, { keepdim: axis !== null })
  const v = new Parameter(weight.snapshot())
  const g = new Parameter(length(weight.snapshot()))
  reparametrise(module, name, { [`${name}_g`]: g, [`${name}_v`]: v }, () => v.mul(g.div(length(v))))
  return module
}

export interface SpectralNormOptions {
  /** Which parameter (default `weight`). */
  readonly name?: string
  /** Power iterations per forward pass in training (default 1). */
  readonly iterations?: number
  /** Least length that vectors are divided by (default 1e-12). */
  readonly eps?: number
  /** The axis of the outputs (default 0; 1 for transposed convolutions). */
  readonly dim?: number
}

/**
 * Spectral normalisation (Miyato et al. 2018): a weight divided by its greatest singular value σ, as a matrix of outputs ×
 * the rest. σ ≈ uᵀ W v comes from power iterations, which go on with each forward pass in training. Changes `module` and
 * returns it.
 *
 * Parameters: instead of `weight`, `weight_orig`. Buffers: `weight_u`, `weight_v`.
 */
export function spectralNorm<M extends AnyModule>(module: M, options: SpectralNormOptions = {}): M {
  const { name = 'weight', iterations = 1, eps = 1e-12 } = options
  checkCounts('spectralNorm', { iterations })
  checkEps('spectralNorm', eps)
  const original = parameterOf('spectralNorm', module, name)
  const isTransposed = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d].some((c) => module instanceof c)
  const axis = normaliseAxis('spectralNorm', options.dim ?? (isTransposed ? 1 : 0), original.rank)
  const order = [axis, ...original.shape.flatMap((_, i) => (i === axis ? [] : [i]))]
  const matrix = (): Tensor => original.permute(order).reshape([original.shape[axis], -1])
  const unit = (t: Tensor): Tensor => t.div(t.norm().clamp(eps))
  const [rows, columns] = matrix().shape
  const fresh = (size: number): Buffer => new Buffer(unit(randn([size], { device: original.device })))
  const [u, v] = [fresh(rows), fresh(columns)]
  const iterate = (): void =>
    noGrad(() => {
      const w = matrix()
      let [left, right]: Tensor[] = [u, v]
      for (let k = 0; k < iterations; k++) {
        right = unit(w.T.matmul(left))
        left = unit(w.matmul(right))
      }
      u.assign(left)
      v.assign(right)
    })
  const parts = { [`${name}_orig`]: original, [`${name}_u`]: u, [`${name}_v`]: v }
  reparametrise(
    module,
    name,
    parts,
    () => original.div(u.detach().matmul(matrix().matmul(v.detach()))),
    () => {
      if (module.training) iterate()
    },
  )
  return module
}
