/** @file From text to token numbers by words or characters, and back. */

import { GliaError } from '../../core/errors.ts'
import { wellFormed } from '../readers/text.ts'
import type { Item } from '../source.ts'
import { Vocabulary, type VocabularyOptions } from './vocabulary.ts'

/** What all tokenizers do. */
export interface Tokenizer {
  /** Number of different tokens. */
  readonly size: number
  encode(text: string): Int32Array
  decode(numbers: ArrayLike<number>): string
}

export interface WordOptions extends VocabularyOptions {
  /** Whether case counts; false by default. */
  readonly cased?: boolean
}

/** Words with their inner apostrophes and hyphens, and each other visible character on its own. */
const WORDS = /[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*|[^\s\p{L}\p{M}\p{N}]/gu

/** The words and punctuation marks of a text, in Unicode's composed form. Halves of surrogate pairs become U+FFFD. */
export function words(text: string, cased = false): string[] {
  const composed = wellFormed(text).normalize('NFC')
  return (cased ? composed : composed.toLowerCase()).match(WORDS) ?? []
}

/** The characters of a text (code points). */
export function characters(text: string): string[] {
  return [...wellFormed(text)]
}

/** Token by word. Decoding joins words by spaces, which does not give back the spaces that were there. */
export class WordTokenizer implements Tokenizer {
  readonly vocabulary: Vocabulary
  readonly #cased: boolean

  constructor(vocabulary: Vocabulary, cased = false) {
    this.vocabulary = vocabulary
    this.#cased = cased
  }

  /** Builds the vocabulary from training texts. */
  static train(texts: Iterable<string>, options: WordOptions = {}): WordTokenizer {
    const { cased = false } = options
    return new WordTokenizer(
      Vocabulary.build(
        mapped(texts, (text) => words(text, cased)),
        options,
      ),
      cased,
    )
  }

  static fromJSON(json: unknown): WordTokenizer {
    const { cased, vocabulary } = (json ?? {}) as { cased?: unknown; vocabulary?: unknown }
    return new WordTokenizer(Vocabulary.fromJSON(vocabulary), cased === true)
  }

  toJSON(): unknown {
    return { type: 'word', cased: this.#cased, vocabulary: this.vocabulary.toJSON() }
  }

  get size(): number {
    return this.vocabulary.size
  }

  encode(text: string): Int32Array {
    return Int32Array.from(words(text, this.#cased), (word) => this.vocabulary.number(word))
  }

  decode(numbers: ArrayLike<number>): string {
    return Array.from(numbers, (number) => this.vocabulary.token(number)).join(' ')
  }
}

/** Token by character (code point); without special tokens by default. Decoding gives back the text. */
export class CharTokenizer implements Tokenizer {
  readonly vocabulary: Vocabulary

  constructor(vocabulary: Vocabulary) {
    this.vocabulary = vocabulary
  }

  /** Builds the vocabulary from training texts: their characters in the order of Unicode. */
  static train(texts: Iterable<string>, options: { readonly specials?: readonly string[] } = {}): CharTokenizer {
    const { specials = [] } = options
    const found = new Set<string>()
    for (const text of texts) for (const character of characters(text)) found.add(character)
    for (const special of specials) found.delete(special)
    const sorted = [...found].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0))
    return new CharTokenizer(new Vocabulary([...specials, ...sorted]))
  }

  static fromJSON(json: unknown): CharTokenizer {
    return new CharTokenizer(Vocabulary.fromJSON(((json ?? {}) as { vocabulary?: unknown }).vocabulary))
  }

  toJSON(): unknown {
    return { type: 'character', vocabulary: this.vocabulary.toJSON() }
  }

  get size(): number {
    return this.vocabulary.size
  }

  encode(text: string): Int32Array {
    return Int32Array.from(characters(text), (character) => this.vocabulary.number(character))
  }

  decode(numbers: ArrayLike<number>): string {
    return Array.from(numbers, (number) => this.vocabulary.token(number)).join('')
  }
}

/**
 * A document as a field of an example, int32 `[T]`; batches pad it with `padding`.
 *
 * @param maxLength tokens are cut after so many
 * @throws GliaError if the document has no tokens, which recurrent networks and means cannot take
 */
export function tokenItem(tokenizer: Tokenizer, text: string, maxLength: number = Number.POSITIVE_INFINITY): Item {
  const numbers = tokenizer.encode(text)
  if (numbers.length === 0) {
    throw new GliaError(`tokenItem: the document ${JSON.stringify(text.slice(0, 40))} has no tokens; leave it out.`)
  }
  const data = numbers.subarray(0, Math.min(numbers.length, maxLength))
  return { data, shape: [data.length] }
}

/**
 * Windows of a long row of tokens for next-token prediction: `x` int32 `[length]` and `y`, the same one further on.
 *
 * @param stride between the beginnings of windows, `length` by default
 * @throws GliaError if there are not more tokens than `length`
 */
export function windows(
  tokens: Int32Array,
  length: number,
  stride: number = length,
): { readonly length: number; get(index: number): { readonly x: Item; readonly y: Item } } {
  const count = Math.floor((tokens.length - 1 - length) / stride) + 1
  if (!(Number.isInteger(length) && length >= 1 && Number.isInteger(stride) && stride >= 1) || count < 1) {
    throw new GliaError(`windows: ${tokens.length} tokens hold no window of ${length} and the token after it.`)
  }
  const part = (start: number): Item => ({ data: tokens.subarray(start, start + length), shape: [length] })
  return { length: count, get: (i) => ({ x: part(i * stride), y: part(i * stride + 1) }) }
}

function* mapped<A, B>(items: Iterable<A>, fn: (item: A) => B): Generator<B> {
  for (const item of items) yield fn(item)
}
