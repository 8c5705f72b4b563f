/**
 * @file Byte-pair encoding over bytes (Sennrich et al. 2016; Radford et al. 2019): no text is unknown, and decoding gives
 * back every byte. Words are cut as GPT-2 cuts them, and a trained tokenizer can be written as Hugging Face's
 * `tokenizer.json`.
 */

import { GliaError } from '../../core/errors.ts'
import { wellFormed } from '../readers/text.ts'
import type { Tokenizer } from './tokenizer.ts'

/** Contractions, words, numbers and signs, each with one space before it, and other spaces (Radford et al. 2019). */
const PIECES = /'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu

export interface BpeOptions {
  /** Tokens to learn, the 256 bytes and the special ones included. */
  readonly size: number
  /** Tokens that are never cut, such as `<eos>`; they have the last numbers. */
  readonly specials?: readonly string[]
  /** Pairs must occur this often to be merged, 2 by default. */
  readonly minCount?: number
}

/** A tokenizer whose tokens are byte strings: all bytes, then the merged pairs, then the special tokens. */
export class BpeTokenizer implements Tokenizer {
  readonly #merges: readonly (readonly [number, number])[]
  readonly #specials: readonly string[]
  readonly #ranks: ReadonlyMap<number, number>
  /** Bytes of each token below the special ones. */
  readonly #bytes: readonly Uint8Array[]
  readonly #known = new Map<string, Int32Array>()
  readonly #splitter: RegExp | undefined

  /** @param merges pairs of token numbers; the first makes token 256 */
  constructor(merges: readonly (readonly [number, number])[], specials: readonly string[] = []) {
    this.#merges = merges
    this.#specials = specials
    this.#ranks = new Map(merges.map(([a, b], i) => [keyOf(a, b), i]))
    const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
    for (const [a, b] of merges) {
      if (bytes[a] === undefined || bytes[b] === undefined) {
        throw new GliaError(`BpeTokenizer: the merge of ${a} and ${b} comes before one of them.`)
      }
      bytes.push(Uint8Array.from([...bytes[a], ...bytes[b]]))
    }
    this.#bytes = bytes
    const escaped = [...specials]
      .sort((a, b) => b.length - a.length)
      .map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    this.#splitter = specials.length > 0 ? new RegExp(`(${escaped.join('|')})`) : undefined
  }

  /**
   * Learns merges: again and again the most frequent pair of neighbours becomes a token; of equally frequent pairs the one
   * with the smaller numbers, so that the same texts give the same tokens.
   *
   * @throws GliaError if `size` leaves no room for the bytes and the special tokens
   */
  static train(texts: Iterable<string>, options: BpeOptions): BpeTokenizer {
    const { size, specials = [], minCount = 2 } = options
    const count = size - 256 - specials.length
    if (!Number.isInteger(count) || count < 0) {
      throw new GliaError(`BpeTokenizer: size must be at least ${256 + specials.length} (all bytes); received ${size}.`)
    }
    return new BpeTokenizer(learn(wordsOf(texts), count, minCount), specials)
  }

  static fromJSON(json: unknown): BpeTokenizer {
    const { merges, specials } = (json ?? {}) as { merges?: unknown; specials?: unknown }
    if (Array.isArray(merges) && Array.isArray(specials)) return new BpeTokenizer(merges, specials)
    throw new GliaError('BpeTokenizer.fromJSON: this is not what BpeTokenizer.toJSON returned.')
  }

  toJSON(): unknown {
    return { type: 'bpe', merges: this.#merges, specials: this.#specials }
  }

  get size(): number {
    return 256 + this.#merges.length + this.#specials.length
  }

  /** The number of a special token. @throws GliaError if there is none such */
  special(token: string): number {
    const at = this.#specials.indexOf(token)
    if (at >= 0) return 256 + this.#merges.length + at
    throw new GliaError(
      `BpeTokenizer: ${JSON.stringify(token)} is none of the special tokens ${this.#specials.join(', ')}.`,
    )
  }

  encode(text: string): Int32Array {
    const out: number[] = []
    const parts = this.#splitter ? wellFormed(text).split(this.#splitter) : [wellFormed(text)]
    parts.forEach((part, i) => {
      if (i % 2 === 1) out.push(this.special(part))
      else for (const piece of part.match(PIECES) ?? []) out.push(...this.#piece(piece))
    })
    return Int32Array.from(out)
  }

  /** The bytes that a token stands for. @throws GliaError if there is no such token */
  bytesOf(number: number): Uint8Array {
    return this.#bytes[number] ?? new TextEncoder().encode(this.#specialNamed(number))
  }

  decode(numbers: ArrayLike<number>): string {
    const decoder = new TextDecoder()
    let text = ''
    for (const number of Array.from(numbers)) {
      const bytes = this.#bytes[number]
      if (bytes) text += decoder.decode(bytes, { stream: true })
      else text += decoder.decode() + this.#specialNamed(number)
    }
    return text + decoder.decode()
  }

  #specialNamed(number: number): string {
    const special = this.#specials[number - this.#bytes.length]
    if (special !== undefined) return special
    throw new GliaError(`BpeTokenizer: there is no token ${number}; there are ${this.size}.`)
  }

  /** Merges by rank, lowest first, as they were learnt. */
  #piece(piece: string): Int32Array {
    const known = this.#known.get(piece)
    if (known) return known
    const tokens = [...new TextEncoder().encode(piece)]
    for (;;) {
      let [best, at] = [Number.POSITIVE_INFINITY, -1]
      for (let i = 0; i + 1 < tokens.length; i++) {
        const rank = this.#ranks.get(keyOf(tokens[i], tokens[i + 1])) ?? Number.POSITIVE_INFINITY
        if (rank < best) [best, at] = [rank, i]
      }
      if (at < 0) break
      const [a, b] = this.#merges[best]
      for (let i = at; i + 1 < tokens.length; i++)
        if (tokens[i] === a && tokens[i + 1] === b) tokens.splice(i, 2, 256 + best)
    }
    const result = Int32Array.from(tokens)
    if (this.#known.size < 50_000) this.#known.set(piece, result)
    return result
  }

  /** The same tokenizer as the content of Hugging Face's `tokenizer.json`. */
  toHuggingFace(): Record<string, unknown> {
    const letters = byteLetters()
    const names = this.#bytes.map((bytes) => Array.from(bytes, (byte) => letters[byte]).join(''))
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: this.#specials.map((content) => ({
        id: this.special(content),
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        vocab: Object.fromEntries(names.map((name, i) => [name, i])),
        merges: this.#merges.map(([a, b]) => `${names[a]} ${names[b]}`),
      },
    }
  }
}

function keyOf(a: number, b: number): number {
  return a * 2 ** 26 + b
}

/** A printable letter for each byte, as GPT-2 has them: printable ones are themselves, the others follow from U+0100 on. */
function byteLetters(): string[] {
  let extra = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    return String.fromCodePoint(printable ? byte : extra++)
  })
}

interface Word {
  tokens: number[]
  readonly count: number
}

function wordsOf(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const piece of wellFormed(text).match(PIECES) ?? []) counts.set(piece, (counts.get(piece) ?? 0) + 1)
  }
  return [...counts].map(([piece, count]) => ({ tokens: [...new TextEncoder().encode(piece)], count }))
}

/** Counts of pairs are kept up to date by the words that hold them, so that a merge costs what it touches. */
function learn(words: readonly Word[], merges: number, minCount: number): [number, number][] {
  const counts = new Map<number, number>()
  const holders = new Map<number, Set<Word>>()
  const change = (word: Word, sign: 1 | -1): void => {
    for (let i = 0; i + 1 < word.tokens.length; i++) {
      const key = keyOf(word.tokens[i], word.tokens[i + 1])
      counts.set(key, (counts.get(key) ?? 0) + sign * word.count)
      if (sign < 0) continue
      const set = holders.get(key)
      if (set) set.add(word)
      else holders.set(key, new Set([word]))
    }
  }
  for (const word of words) change(word, 1)
  const learnt: [number, number][] = []
  while (learnt.length < merges) {
    let [best, most] = [-1, minCount - 1]
    for (const [key, count] of counts) {
      if (count > most || (count === most && count >= minCount && key < best)) [best, most] = [key, count]
    }
    if (best < 0) break
    const [a, b] = [Math.floor(best / 2 ** 26), best % 2 ** 26]
    const made = 256 + learnt.length
    learnt.push([a, b])
    for (const word of holders.get(best) ?? []) {
      change(word, -1)
      const { tokens } = word
      for (let i = 0; i + 1 < tokens.length; i++) if (tokens[i] === a && tokens[i + 1] === b) tokens.splice(i, 2, made)
      change(word, 1)
    }
    counts.delete(best)
    holders.delete(best)
  }
  return learnt
}
