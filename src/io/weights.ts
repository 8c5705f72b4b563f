/** @file The weights of a model as a safetensors file, and back: `model.safetensors` as PyTorch and others write it. */

import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { AnyModule } from '../nn/module.ts'
import { Buffer, type Parameter } from '../tensor/parameter.ts'
import { readSafetensors, type TensorToWrite, type TensorValues, writeSafetensors } from './safetensors.ts'

/** Names listed in an error at most. */
const MOST_NAMED = 5

/** The values of a model's parameters and buffers by name, tied ones under every name. Later updates leave them alone. */
export async function weightsOf(model: AnyModule): Promise<Map<string, TensorToWrite>> {
  const weights = new Map<string, TensorToWrite>()
  for (const [name, t] of model.namedState()) {
    const values = { dtype: t.dtype, shape: t.shape, data: (await t.data()).slice() } as TensorValues
    weights.set(name, t instanceof Buffer && t.savedAs ? { ...values, as: t.savedAs } : values)
  }
  return weights
}

/**
 * Gives a model the values of `weights`, every one of them. Initial values that nobody has looked at are never computed.
 *
 * @param from for the message: where the weights come from
 * @param to for the message: what they are for
 * @throws GliaError saying which names or shapes differ; nothing has changed then
 */
export function setWeights(
  model: AnyModule,
  weights: ReadonlyMap<string, TensorValues>,
  from: string,
  to = 'the model',
): void {
  const own = new Map(model.namedState())
  const problem = mismatch(own, weights)
  if (problem) throw new GliaError(`${from} does not fit ${to}: ${problem}.`)
  for (const [name, t] of own) t.set(weights.get(name)?.data ?? [])
}

/**
 * A model's weights as the bytes of a safetensors file.
 *
 * @param metadata free-form texts to be saved with them
 */
export async function writeWeights(
  model: AnyModule,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  // 'pt': the layout of PyTorch's state dicts, without which some readers refuse a file.
  return writeSafetensors(await weightsOf(model), Object.entries({ format: 'pt', ...metadata }))
}

/**
 * Gives a model the weights of a safetensors file.
 *
 * @param name of the file, for messages
 * @returns the texts saved with them
 * @throws GliaError if the file is damaged, or its names and shapes are not exactly the model's; nothing has changed then
 */
export function readWeights(model: AnyModule, bytes: Uint8Array, name = 'The file'): ReadonlyMap<string, string> {
  const { tensors, metadata } = parsed(bytes, name)
  setWeights(model, tensors, name)
  return metadata
}

function parsed(bytes: Uint8Array, name: string): ReturnType<typeof readSafetensors> {
  try {
    return readSafetensors(bytes)
  } catch (error) {
    throw error instanceof GliaError ? new GliaError(`${name}: ${error.message}`) : error
  }
}

function mismatch(
  own: ReadonlyMap<string, Parameter | Buffer>,
  given: ReadonlyMap<string, TensorValues>,
): string | undefined {
  const missing = [...own.keys()].filter((name) => !given.has(name))
  if (missing.length > 0) return `it lacks ${listed(missing)}`
  const surplus = [...given.keys()].filter((name) => !own.has(name))
  if (surplus.length > 0) return `it has ${listed(surplus)}, which the model does not have`
  for (const [name, t] of own) {
    const shape = given.get(name)?.shape ?? []
    // Of the cell: asking the tensor would compute the initial weights.
    const wanted = t.cell.shape
    if (!sameShape(shape, wanted)) return `${name} has the shape ${showShape(shape)} instead of ${showShape(wanted)}`
  }
  return undefined
}

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_NAMED
  return `${names.slice(0, MOST_NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
