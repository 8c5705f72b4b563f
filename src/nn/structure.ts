/** @file Layers that compute nothing themselves: they pass on, wrap a function, or join what others compute. */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { cat } from '../tensor/movement.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type AnyModule, Module } from './module.ts'
import { type Layer, namedLayers } from './sequential.ts'

/** Returns its input. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
}

/** Applies a function without parameters: `new Lambda((x) => x.square())`. */
export class Lambda extends Module {
  readonly fn: (x: Tensor) => Tensor

  constructor(fn: (x: Tensor) => Tensor) {
    super()
    if (typeof fn !== 'function') throw new GliaError(`Lambda: takes a function of a tensor; received ${typeof fn}.`)
    this.fn = fn
  }

  forward(x: Tensor): Tensor {
    return this.fn(x)
  }
}

/**
 * `body(x) + shortcut(x)` (He et al. 2016); without a shortcut, `body(x) + x`.
 *
 * Parts: `body`, `shortcut`.
 */
export class Residual extends Module {
  readonly body: Layer
  readonly shortcut: Layer | null

  /** @param shortcut brings x to the shape of what the body puts out (default: x itself) */
  constructor(body: Layer, shortcut: Layer | null = null) {
    super()
    for (const part of [body, shortcut]) {
      if (part !== null && !(part instanceof Module)) {
        throw new GliaError(`Residual: takes layers; received ${typeof part}. Wrap a function in Lambda.`)
      }
    }
    this.body = body
    this.shortcut = shortcut
  }

  /** @throws GliaError if the two summands differ in shape */
  forward(x: Tensor): Tensor {
    const y = this.body.call(x)
    const straight = this.shortcut ? this.shortcut.call(x) : x
    if (!sameShape(y.shape, straight.shape)) {
      throw new GliaError(
        `Residual: the body puts out ${showShape(y.shape)}, but ${this.shortcut ? 'the shortcut' : 'the input'} is ` +
          `${showShape(straight.shape)}; they must be equal. Give a shortcut that brings the input to the body's shape.`,
      )
    }
    return y.add(straight)
  }
}

/**
 * What several layers make of one input, side by side along an axis (default 1, the channels): `[B, C, …] → [B, ΣCᵢ, …]`
 * (Szegedy et al. 2015). Parts are saved as those of `Sequential` are.
 */
export class Concat extends Module {
  readonly axis: number
  readonly #branches: readonly (readonly [name: string, layer: Layer])[]

  constructor(branches: readonly Layer[] | Readonly<Record<string, Layer>>, axis = 1) {
    super()
    this.#branches = namedLayers('Concat', branches)
    if (this.#branches.length === 0) throw new GliaError('Concat: needs at least one branch.')
    this.axis = axis
  }

  override namedChildren(): [name: string, child: AnyModule][] {
    return this.#branches.map(([name, layer]) => [name, layer])
  }

  forward(x: Tensor): Tensor {
    return cat(
      this.#branches.map(([, layer]) => layer.call(x)),
      this.axis,
    )
  }
}
