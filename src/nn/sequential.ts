/** @file Layers one after another. */
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
  readonly #layers: [name: string, layer: Layer][]

  constructor(...layers: readonly Layer[] | [Readonly<Record<string, Layer>>]) {
    super()
    const [first] = layers
    const named =
      layers.length === 1 && !(first instanceof Module) ? Object.entries(first as Record<string, Layer>) : null
    this.#layers = named ?? (layers as readonly Layer[]).map((layer, i) => [String(i), layer])
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

  [Symbol.iterator](): Iterator<Layer> {
    return this.#layers.map(([, layer]) => layer)[Symbol.iterator]()
  }

  forward(x: Tensor): Tensor {
    return this.#layers.reduce((y, [, layer]) => layer.call(y), x)
  }
}
