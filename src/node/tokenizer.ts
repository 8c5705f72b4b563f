/** @file Published tokenizers from files. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { type HuggingFaceTokenizer, huggingFaceTokenizer } from '../data/transforms/hugging-face.ts'
import { readText } from './read.ts'

/**
 * Reads `tokenizer.json`, and `tokenizer_config.json` if it is there, from a model's directory.
 *
 * @throws GliaError if the first is missing, or a file is not JSON or no tokenizer
 */
export async function readTokenizer(directory: string): Promise<HuggingFaceTokenizer> {
  const config = join(directory, 'tokenizer_config.json')
  return huggingFaceTokenizer(
    await readObject(join(directory, 'tokenizer.json')),
    existsSync(config) ? await readObject(config) : {},
  )
}

async function readObject(path: string): Promise<Record<string, unknown>> {
  const text = await readText(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GliaError(`${path} is not JSON (${error instanceof Error ? error.message : error}).`)
  }
}
