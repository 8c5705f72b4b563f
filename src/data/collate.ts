/** @file From a list of examples to one batch: stacking, and padding where lengths differ. */

import { GliaError } from '../core/errors.ts'
import { sizeOf, stridesOf } from '../core/shape.ts'
import { type Item, kindOf } from './source.ts'

/** One example: fields by name. */
export type Example = Readonly<Record<string, unknown>>

/** A field of a batch: numbers and items are stacked, `[B, …]`; anything else is a list of B. */
export type Stacked<F> = F extends Item | number | boolean ? Item : readonly F[]

/** A batch of examples `T`. */
export type Collated<T> = { readonly [K in keyof T]: Stacked<T[K]> }

/** How a field of different lengths is made rectangular. */
export interface PadOptions {
  /** Written where there is nothing, 0 by default. */
  readonly value?: number
  /** Extents to pad to and cut at, outermost first; by default the largest of the batch. */
  readonly to?: readonly number[]
  /** Round the first extent up to a multiple of this, so that fewer different shapes occur. 1 by default. */
  readonly multipleOf?: number
}

/**
 * Stacks fields of the same name: items of one shape and kind to `[B, …shape]`, numbers to float32 `[B]`, booleans to
 * uint8 `[B]`; strings and other things stay a list.
 *
 * @throws GliaError if there is no example, a field is missing in one of them, or shapes or kinds differ
 */
export function collate<T extends Example>(examples: readonly T[]): Collated<T> {
  return collateWith(examples, {}) as Collated<T>
}

/**
 * A collate function that pads the named fields and stacks the others. Beside a padded field `name` the batch has
 * `nameLengths`, int32 `[B]`: the first extents before padding.
 *
 * @throws GliaError as `collate` does
 */
export function padding(
  fields: Readonly<Record<string, PadOptions>>,
): (examples: readonly Example[]) => Record<string, Item | readonly unknown[]> {
  return (examples) => collateWith(examples, fields)
}

function collateWith(
  examples: readonly Example[],
  fields: Readonly<Record<string, PadOptions>>,
): Record<string, Item | readonly unknown[]> {
  if (examples.length === 0) throw new GliaError('collate: there are no examples to make a batch of.')
  const batch: Record<string, Item | readonly unknown[]> = {}
  for (const name of Object.keys(examples[0])) {
    const values = examples.map((example, i) => {
      if (name in example) return example[name]
      throw new GliaError(`collate: example ${i} of the batch has no field ${name}, but example 0 has.`)
    })
    const pad = fields[name]
    if (pad === undefined) {
      batch[name] = stackField(name, values)
      continue
    }
    const items = values.map((value) => {
      if (isItem(value)) return value
      throw new GliaError(`collate: ${name} cannot be padded, because it is no item with data and shape.`)
    })
    batch[name] = padItems(items, pad, name)
    batch[`${name}Lengths`] = { data: Int32Array.from(items, ({ shape }) => shape[0] ?? 1), shape: [items.length] }
  }
  return batch
}

function stackField(name: string, values: readonly unknown[]): Item | readonly unknown[] {
  const [first] = values
  if (typeof first === 'number' || typeof first === 'boolean') {
    const wrong = values.find((value) => typeof value !== typeof first)
    if (wrong !== undefined)
      throw new GliaError(`collate: ${name} is a ${typeof first} in one example, ${wrong} in another.`)
    const shape = [values.length]
    return typeof first === 'number'
      ? { data: Float32Array.from(values, Number), shape }
      : { data: Uint8Array.from(values, Number), shape }
  }
  if (!isItem(first)) return values
  return stackItems(
    values.map((value) => {
      if (isItem(value)) return value
      throw new GliaError(`collate: ${name} is an array in one example and something else in another.`)
    }),
    name,
  )
}

/** Items of one shape, one after the other: `[B, …shape]`. */
export function stackItems(items: readonly Item[], name = 'x'): Item {
  const [first] = items
  const out = blank(first, items.length * first.data.length)
  for (const [i, item] of items.entries()) {
    if (item.shape.join() !== first.shape.join() || item.data.constructor !== first.data.constructor) {
      throw new GliaError(
        `collate: ${name} is ${kindOf(first)} in example 0 of the batch and ${kindOf(item)} in example ${i}. Make them ` +
          `alike with a transform, or pad: collate: padding({ ${name}: {} }).`,
      )
    }
    out.set(item.data, i * first.data.length)
  }
  return { data: out, shape: [items.length, ...first.shape] }
}

/**
 * Items of one rank but different extents, each at the beginning of its place: `[B, …largest extents]`.
 *
 * @throws GliaError if ranks or kinds of numbers differ
 */
export function padItems(items: readonly Item[], options: PadOptions = {}, name = 'x'): Item {
  const { value = 0, to, multipleOf = 1 } = options
  const [first] = items
  const rank = first.shape.length
  for (const [i, item] of items.entries()) {
    if (item.shape.length === rank && item.data.constructor === first.data.constructor) continue
    throw new GliaError(
      `collate: ${name} is ${kindOf(first)} in example 0 of the batch and ${kindOf(item)} in example ${i}.`,
    )
  }
  const extents = first.shape.map((_, axis) => to?.[axis] ?? Math.max(...items.map(({ shape }) => shape[axis])))
  if (rank > 0) extents[0] = Math.ceil(extents[0] / multipleOf) * multipleOf
  const size = sizeOf(extents)
  const out = blank(first, items.length * size)
  if (value !== 0) out.fill(value)
  items.forEach((item, i) => {
    copyInto(out, i * size, extents, item)
  })
  return { data: out, shape: [items.length, ...extents] }
}

/** Row by row, cut where the place is smaller. */
function copyInto(out: Item['data'], start: number, extents: readonly number[], { data, shape }: Item): void {
  const [from, to] = [stridesOf(shape), stridesOf(extents)]
  const walk = (axis: number, source: number, target: number): void => {
    const count = Math.min(shape[axis] ?? 1, extents[axis] ?? 1)
    if (axis >= shape.length - 1) {
      out.set(data.subarray(source, source + count), target)
      return
    }
    for (let i = 0; i < count; i++) walk(axis + 1, source + i * from[axis], target + i * to[axis])
  }
  walk(0, 0, start)
}

function blank({ data }: Item, length: number): Item['data'] {
  if (data instanceof Float32Array) return new Float32Array(length)
  return data instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length)
}

/** Whether it is values with a shape. */
export function isItem(value: unknown): value is Item {
  if (typeof value !== 'object' || value === null || !('data' in value && 'shape' in value)) return false
  const { data, shape } = value
  const typed = data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array
  return typed && Array.isArray(shape)
}
