/** @file The weights of a model in a file. */

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { GliaError } from '../core/errors.ts'
import { readWeights, writeWeights } from '../io/weights.ts'
import type { AnyModule } from '../nn/module.ts'
import { writeFileAtomic } from './files.ts'

/**
 * Saves a model's parameters and buffers as a safetensors file, which PyTorch and others read, too. A file that was there
 * is replaced only once the new one is written.
 *
 * @param metadata free-form texts to be saved with them
 */
export async function saveWeights(
  model: AnyModule,
  path: string | URL,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(nameOf(path), await writeWeights(model, metadata))
}

/**
 * Gives a model the weights of a safetensors file. Its initial weights are never computed.
 *
 * @returns the texts that were saved with them
 * @throws GliaError if the file is missing or damaged, or its names and shapes are not exactly the model's; nothing has
 * changed then
 */
export async function loadWeights(model: AnyModule, path: string | URL): Promise<ReadonlyMap<string, string>> {
  const name = nameOf(path)
  let bytes: Uint8Array
  try {
    bytes = await readFile(name)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new GliaError(code === 'ENOENT' ? `${name} is missing.` : `${name} cannot be read (${code}).`)
  }
  return readWeights(model, bytes, name)
}

function nameOf(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path
}
