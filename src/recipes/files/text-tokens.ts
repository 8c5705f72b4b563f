/** @file Texts as rows of tokens: characters, or frequent pieces of words. */

import { GliaError } from '../../core/errors.ts'
import { wellFormed } from '../../data/readers/text.ts'
import { BpeTokenizer } from '../../data/transforms/bpe.ts'
import { CharTokenizer, characters } from '../../data/transforms/tokenizer.ts'

export type TokenKind = 'char' | 'bpe'

/** What stands for what is no character: see `wellFormed`. */
const REPLACEMENT = '\uFFFD'

/** A tokenizer, and how many characters each of its tokens stands for. */
export class TextTokens {
  readonly kind: TokenKind
  readonly tokenizer: CharTokenizer | BpeTokenizer
  /** Characters by token; a piece of a character's bytes counts if it is the first. */
  readonly lengths: Int32Array

  constructor(tokenizer: CharTokenizer | BpeTokenizer) {
    this.tokenizer = tokenizer
    this.kind = tokenizer instanceof BpeTokenizer ? 'bpe' : 'char'
    this.lengths = Int32Array.from({ length: tokenizer.size }, (_, token) =>
      tokenizer instanceof BpeTokenizer ? charactersIn(tokenizer.bytesOf(token)) : 1,
    )
  }

  /** The tokenizer that `toJSON` wrote. @throws GliaError if it is no such thing */
  static fromJSON(json: unknown): TextTokens {
    const { type } = (json ?? {}) as { type?: unknown }
    if (type === 'bpe') return new TextTokens(BpeTokenizer.fromJSON(json))
    if (type === 'character') return new TextTokens(CharTokenizer.fromJSON(json))
    throw new GliaError('The record of this run does not say what its tokens are.')
  }

  toJSON(): unknown {
    return this.tokenizer.toJSON()
  }

  get size(): number {
    return this.tokenizer.size
  }

  /**
   * Numbers of a text's tokens; characters that are not known are left out.
   *
   * @throws GliaError if nothing is left
   */
  encode(text: string, name: string): Int32Array {
    const { tokenizer } = this
    const known =
      tokenizer instanceof CharTokenizer
        ? characters(text)
            .filter((c) => tokenizer.vocabulary.has(c))
            .join('')
        : text
    const tokens = tokenizer.encode(known)
    if (tokens.length === 0) throw new GliaError(`${name} has no character that the model knows.`)
    return tokens
  }

  decode(tokens: ArrayLike<number>): string {
    return this.tokenizer.decode(tokens)
  }
}

/** Bytes that begin a character of UTF-8: all but 10xxxxxx. */
function charactersIn(bytes: Uint8Array): number {
  return bytes.filter((byte) => (byte & 0xc0) !== 0x80).length
}

/** A text with line breaks as \n alone, and how many halves of characters (lone surrogates) became U+FFFD. */
export function cleaned(text: string): { readonly text: string; readonly broken: number } {
  const lines = text.replace(/\r\n?/g, '\n')
  const sound = wellFormed(lines)
  if (sound === lines) return { text: lines, broken: 0 }
  let broken = 0
  for (let i = 0; i < lines.length; i++) if (sound[i] === REPLACEMENT && lines[i] !== REPLACEMENT) broken++
  return { text: sound, broken }
}

/** What to say of them. */
export function brokenText(broken: number): string {
  const what = broken === 1 ? 'half a character' : `${broken.toLocaleString('en-US')} halves of characters`
  return `${what} became U+FFFD`
}
