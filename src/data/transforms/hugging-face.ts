/** @file Tokenizers of published models, through Hugging Face's own library, which is loaded when the first one is. */

import { GliaError } from '../../core/errors.ts'
import type { Tokenizer } from './tokenizer.ts'

/** A published tokenizer; `encode` adds the model's special tokens unless told otherwise. */
export interface HuggingFaceTokenizer extends Tokenizer {
  encode(text: string, options?: { readonly specials?: boolean }): Int32Array
  /** Special tokens are left out of the text unless told otherwise. */
  decode(numbers: ArrayLike<number>, options?: { readonly specials?: boolean }): string
  /** The number of a token, or undefined. */
  number(token: string): number | undefined
}

/**
 * Makes a tokenizer of the parsed contents of `tokenizer.json` and, if there is one, `tokenizer_config.json`.
 *
 * @throws GliaError if they describe no tokenizer that the library knows
 */
export async function huggingFaceTokenizer(
  tokenizer: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<HuggingFaceTokenizer> {
  const { Tokenizer: Published } = await import('@huggingface/tokenizers')
  const failed = (error: unknown): GliaError =>
    new GliaError(
      `huggingFaceTokenizer: this is no tokenizer.json that can be read (${error instanceof Error ? error.message : error}).`,
    )
  let published: InstanceType<typeof Published>
  try {
    published = new Published(tokenizer, config)
    published.encode('')
  } catch (error) {
    throw failed(error)
  }
  const { size } = published.get_vocab(true)
  return {
    size,
    encode: (text, { specials = true } = {}) =>
      Int32Array.from(published.encode(text, { add_special_tokens: specials }).ids),
    decode: (numbers, { specials = false } = {}) =>
      // The library refuses to decode nothing.
      numbers.length === 0 ? '' : published.decode(Array.from(numbers), { skip_special_tokens: !specials }),
    number: (token) => published.token_to_id(token),
  }
}
