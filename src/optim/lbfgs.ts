/**
 * @file L-BFGS: a quasi-Newton method for objectives without noise. It looks at values between evaluations, so it runs
 * outside compiled functions; what it evaluates may be compiled.
 */
import { grad } from '../autograd/backward.ts'
import { enableGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { showShape } from '../core/shape.ts'
import { activeTrace } from '../graph/trace.ts'
import { TensorBase } from '../tensor/base.ts'
import { tensor } from '../tensor/factories.ts'
import type { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Point, strongWolfe } from './line-search.ts'

export interface LBFGSOptions {
  /** Step length, or the first one that the line search tries (default 1). */
  readonly lr?: number
  /** Iterations per `step` at most (default 20). */
  readonly maxIter?: number
  /** Evaluations per `step` at most (default 1.25 · maxIter). */
  readonly maxEval?: number
  /** Stops once no component of the gradient is greater (default 1e-7). */
  readonly toleranceGrad?: number
  /** Stops once neither value nor parameters move by more (default 1e-9). */
  readonly toleranceChange?: number
  /** Pairs of steps and gradient changes that are remembered (default 100). */
  readonly historySize?: number
  /** `strongWolfe`, or null for steps of length lr (the default). */
  readonly lineSearch?: 'strongWolfe' | null
}

/** The objective at the present parameters: its value, or that with its gradients, as `valueAndGrad` gives them. */
export type Closure = () => Tensor | { readonly value: Tensor; readonly gradients: readonly Tensor[] }

interface Memory {
  /** Iterations and evaluations so far. */
  iterations: number
  evaluations: number
  /** The last direction, its length, and the gradient and value before it. */
  direction: Float64Array
  t: number
  gradient: Float64Array
  value: number
  /** Changes of the gradient y, of the parameters s, and 1 / y·s. */
  ys: Float64Array[]
  ss: Float64Array[]
  rhos: number[]
  /** Scale of the first guess of the inverse Hessian. */
  scale: number
}

/**
 * Limited-memory BFGS (Liu & Nocedal 1989). Each `step` makes up to `maxIter` iterations `w ← w + t · d`, where
 * d = −H g, and H, the inverse Hessian, is made up of the last pairs (s, y) by the two-loop recursion.
 *
 * ```ts
 * const optimizer = new LBFGS(model.parameters(), { lineSearch: 'strongWolfe' })
 * optimizer.step(() => mse(model.forward(x), y))
 * ```
 */
export class LBFGS {
  readonly params: readonly Parameter[]
  readonly #options: Required<Omit<LBFGSOptions, 'lr'>>
  readonly #size: number
  #lr: number
  #memory: Memory

  constructor(params: readonly Parameter[], options: LBFGSOptions = {}) {
    if (params.length === 0) throw new GliaError('LBFGS: received no parameters; pass model.parameters().')
    const { lr = 1, maxIter = 20, maxEval = Math.floor((maxIter * 5) / 4), historySize = 100 } = options
    const { toleranceGrad = 1e-7, toleranceChange = 1e-9, lineSearch = null } = options
    checkNumber('LBFGS', 'maxIter', maxIter, { min: 1, whole: true })
    checkNumber('LBFGS', 'maxEval', maxEval, { min: 1 })
    checkNumber('LBFGS', 'historySize', historySize, { min: 1, whole: true })
    checkNumber('LBFGS', 'toleranceGrad', toleranceGrad, { min: 0 })
    checkNumber('LBFGS', 'toleranceChange', toleranceChange, { min: 0 })
    if (lineSearch !== null && lineSearch !== 'strongWolfe') {
      throw new GliaError(`LBFGS: lineSearch must be 'strongWolfe' or null; received ${String(lineSearch)}.`)
    }
    this.params = params
    this.#options = { maxIter, maxEval, historySize, toleranceGrad, toleranceChange, lineSearch }
    this.#size = params.reduce((n, p) => n + p.size, 0)
    this.#memory = fresh()
    this.#lr = 0
    this.lr = lr
  }

  get lr(): number {
    return this.#lr
  }

  set lr(value: number) {
    checkNumber('LBFGS', 'lr', value, { min: 0 })
    this.#lr = value
  }

  /** For schedules: all parameters are one group. */
  get groups(): readonly { lr: number }[] {
    return [this]
  }

  /** Iterations so far. */
  get iterations(): number {
    return this.#memory.iterations
  }

  /** Evaluations of the objective so far. */
  get evaluations(): number {
    return this.#memory.evaluations
  }

  /**
   * Up to `maxIter` iterations. Parameters that require no gradient stay.
   * @returns the value before the first
   * @throws GliaError within a compiled function
   */
  step(closure: Closure): number {
    if (activeTrace()) {
      throw new GliaError('LBFGS: step looks at values, so it cannot be compiled; compile what it evaluates instead.')
    }
    const { maxIter, maxEval, toleranceGrad, toleranceChange, lineSearch } = this.#options
    const m = this.#memory
    let here = this.#evaluate(closure)
    const first = here.f
    const limit = m.evaluations - 1 + maxEval
    if (greatest(here.g) <= toleranceGrad) return first
    for (let n = 1; n <= maxIter; n++) {
      m.iterations++
      const d = this.#direction(here.g)
      const slope = dot(here.g, d)
      m.direction = d
      m.gradient = here.g
      m.value = here.f
      m.t = m.iterations === 1 ? Math.min(1, 1 / here.g.reduce((sum, v) => sum + Math.abs(v), 0)) * this.#lr : this.#lr
      if (!(slope <= -toleranceChange)) break
      const origin = this.#values()
      if (lineSearch) {
        const along = (t: number): Point => {
          this.#set(origin, d, t)
          const { f, g } = this.#evaluate(closure)
          return { t, f, g, slope: dot(g, d) }
        }
        const search = { most: 25, tolerance: toleranceChange, reach: greatest(d) }
        const { point } = strongWolfe(along, { t: 0, f: here.f, g: here.g, slope }, m.t, search)
        m.t = point.t
        this.#set(origin, d, point.t)
        here = point
      } else {
        this.#set(origin, d, m.t)
        if (n === maxIter) break
        here = this.#evaluate(closure)
      }
      if (m.evaluations >= limit || greatest(here.g) <= toleranceGrad) break
      if (greatest(d) * m.t <= toleranceChange || Math.abs(here.f - m.value) < toleranceChange) break
    }
    return first
  }

  /** −H g, after taking the last step into account. */
  #direction(g: Float64Array): Float64Array {
    const m = this.#memory
    if (m.iterations === 1) return g.map((v) => -v)
    const y = g.map((v, i) => v - m.gradient[i])
    const s = m.direction.map((v) => v * m.t)
    const ys = dot(y, s)
    if (ys > 1e-10) {
      if (m.ys.length === this.#options.historySize) for (const list of [m.ys, m.ss, m.rhos]) list.shift()
      m.ys.push(y)
      m.ss.push(s)
      m.rhos.push(1 / ys)
      m.scale = ys / dot(y, y)
    }
    const d = g.map((v) => -v)
    const alphas: number[] = []
    for (let i = m.ys.length - 1; i >= 0; i--) {
      alphas[i] = m.rhos[i] * dot(m.ss[i], d)
      addScaled(d, m.ys[i], -alphas[i])
    }
    for (let i = 0; i < d.length; i++) d[i] *= m.scale
    for (let i = 0; i < m.ys.length; i++) addScaled(d, m.ss[i], alphas[i] - m.rhos[i] * dot(m.ys[i], d))
    return d
  }

  #evaluate(closure: Closure): { f: number; g: Float64Array } {
    this.#memory.evaluations++
    const result = enableGrad(closure)
    const value = result instanceof TensorBase ? result : result.value
    if (value.size !== 1) {
      throw new GliaError(
        `LBFGS: the closure must return one number, such as a mean; received shape ${showShape(value.shape)}.`,
      )
    }
    const gradients = result instanceof TensorBase ? grad(value, this.params, { allowUnused: true }) : result.gradients
    if (gradients.length !== this.params.length) {
      throw new GliaError(
        `LBFGS: the closure must return a gradient for each of ${this.params.length} parameters; received ${gradients.length}.`,
      )
    }
    TensorBase.settle(value.device, [value, ...gradients])
    const g = new Float64Array(this.#size)
    let start = 0
    for (const [i, p] of this.params.entries()) {
      if (p.requiresGrad) g.set(gradients[i].dataSync(), start)
      start += p.size
    }
    return { f: value.itemSync(), g }
  }

  #values(): Float64Array {
    const x = new Float64Array(this.#size)
    let start = 0
    for (const p of this.params) {
      x.set(p.dataSync(), start)
      start += p.size
    }
    return x
  }

  /** Parameters := x + t · d. */
  #set(x: Float64Array, d: Float64Array, t: number): void {
    let start = 0
    for (const p of this.params) {
      const from = start
      if (p.requiresGrad) p.set(Float64Array.from({ length: p.size }, (_, i) => x[from + i] + t * d[from + i]))
      start += p.size
    }
  }

  /** Everything that a resumed run needs, under PyTorch's names; vectors run over all parameters. */
  stateDict(): Record<string, Tensor> {
    const m = this.#memory
    const matrix = (rows: readonly Float64Array[]): Tensor =>
      tensor(Float32Array.from(rows.flatMap((r) => [...r])), { shape: [rows.length, this.#size] })
    return {
      n_iter: tensor(m.iterations, { dtype: 'int32' }),
      func_evals: tensor(m.evaluations, { dtype: 'int32' }),
      lr: tensor(this.#lr),
      ...(m.iterations === 0
        ? {}
        : {
            d: tensor(m.direction),
            t: tensor(m.t),
            old_dirs: matrix(m.ys),
            old_stps: matrix(m.ss),
            ro: tensor(Float32Array.from(m.rhos)),
            H_diag: tensor(m.scale),
            prev_flat_grad: tensor(m.gradient),
            prev_loss: tensor(m.value),
          }),
    }
  }

  /** Takes over what `stateDict` gave. @throws GliaError if it is of other parameters; nothing has changed then */
  loadStateDict(dict: Readonly<Record<string, Tensor>>): void {
    const number = (name: string): number => {
      if (!dict[name]) throw new GliaError(`LBFGS: loadStateDict needs ${name}; was it saved by L-BFGS?`)
      return dict[name].itemSync()
    }
    const vector = (name: string): Float64Array => {
      if (dict[name]?.size !== this.#size) {
        throw new GliaError(
          `LBFGS: loadStateDict needs ${name} of ${this.#size} numbers, one per weight; received ${dict[name]?.size ?? 'none'}.`,
        )
      }
      return Float64Array.from(dict[name].dataSync())
    }
    const rows = (name: string): Float64Array[] => {
      const [count, size] = dict[name]?.shape ?? []
      if (size !== this.#size) throw new GliaError(`LBFGS: loadStateDict needs ${name} [.., ${this.#size}].`)
      const all = Float64Array.from(dict[name].dataSync())
      return Array.from({ length: count }, (_, i) => all.slice(i * size, (i + 1) * size))
    }
    const [iterations, evaluations, lr] = [number('n_iter'), number('func_evals'), number('lr')]
    const memory: Memory =
      iterations === 0
        ? fresh()
        : {
            ...{ iterations, evaluations, t: number('t'), scale: number('H_diag'), value: number('prev_loss') },
            ...{ direction: vector('d'), gradient: vector('prev_flat_grad') },
            ...{ ys: rows('old_dirs'), ss: rows('old_stps'), rhos: [...(dict.ro?.dataSync() ?? [])] },
          }
    this.lr = lr
    this.#memory = memory
  }
}

function fresh(): Memory {
  const none = new Float64Array(0)
  const empty = { direction: none, gradient: none, ys: [], ss: [], rhos: [] }
  return { iterations: 0, evaluations: 0, t: 0, value: 0, scale: 1, ...empty }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** a ← a + factor · b. */
function addScaled(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i]
}

function greatest(v: Float64Array): number {
  return v.reduce((m, x) => Math.max(m, Math.abs(x)), 0)
}
