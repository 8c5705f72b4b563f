/** @file Layers one after another. */
import { GliaError } from '../core/errors.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type AnyModule, Module } from './module.ts'

/** A layer that takes one tensor and returns one. */
export type Layer = Module<[x: Tensor], Tensor>

/**
 * `layers[n](… layers[1](layers[0](x)))`. Parts are saved as `0`, `1`, … or, given as an object, under its keys:
 *
 * ```ts
 * new Sequential(new Linear(784, 128), new ReLU(), new Linear(128, 10))
 * new Sequential({ hidden: new Linear(784, 128), act: new ReLU(), out: new Linear(128, 10) })
 * ```
 */
export class Sequential extends Module {
  readonly #layers: readonly (readonly [name: string, layer: Layer])[]

  constructor(...layers: readonly Layer[] | [Readonly<Record<string, Layer>>]) {
    super()
    const [first] = layers
    const isNamed = layers.length === 1 && first?.constructor === Object
    this.#layers = namedLayers(
      'Sequential',
      isNamed ? (first as Readonly<Record<string, Layer>>) : (layers as readonly Layer[]),
    )
  }

  override namedChildren(): [name: string, child: AnyModule][] {
    return this.#layers.map(([name, layer]) => [name, layer])
  }

  get length(): number {
    return this.#layers.length
  }

  /** Layer `i`; negative numbers count from the end. */
  at(i: number): Layer | undefined {
    return this.#layers.at(i)?.[1]
  }

  /** The layer of that name. */
  get(name: string): Layer | undefined {
    return this.#layers.find(([n]) => n === name)?.[1]
  }

  /** Layers from `start` to before `end`, shared with this and under the names they have here: a part to run alone. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(Object.fromEntries(this.#layers.slice(start, end)))
  }

  [Symbol.iterator](): Iterator<Layer> {
    return this.#layers.map(([, layer]) => layer)[Symbol.iterator]()
  }

  forward(x: Tensor): Tensor {
    return this.#layers.reduce((y, [, layer]) => layer.call(y), x)
  }
}

/**
 * Layers with the names under which they are saved: their keys or positions.
 * @throws GliaError naming `operation` if one is not a layer
 */
export function namedLayers(
  operation: string,
  layers: readonly Layer[] | Readonly<Record<string, Layer>>,
): (readonly [name: string, layer: Layer])[] {
  return Object.entries(layers).map(([name, layer]) => {
    if (layer instanceof Module) return [name, layer] as const
    const received = typeof layer === 'function' ? 'a function; wrap it in Lambda, or make it with new' : String(layer)
    throw new GliaError(`${operation}: takes layers, but '${name}' is ${received}.`)
  })
}
