/** @file Tokens and their numbers. */

import { GliaError } from '../../core/errors.ts'

export interface VocabularyOptions {
  /** Tokens that must occur this often to be known, 1 by default. */
  readonly minCount?: number
  /** Most tokens, special ones included; the most frequent stay. */
  readonly maxSize?: number
  /** Tokens with the first numbers; `['<pad>', '<unk>']` by default, so that 0 pads and 1 is unknown. */
  readonly specials?: readonly string[]
  /** The special token that stands for unknown ones, `<unk>` by default. */
  readonly unknown?: string
}

/** A two-way list of tokens. */
export class Vocabulary {
  /** By number. */
  readonly tokens: readonly string[]
  readonly #numbers: ReadonlyMap<string, number>
  readonly #unknown: number | undefined

  /**
   * @param tokens by number, special ones first
   * @param unknown the one that stands for unknown tokens; if it is not among them, an unknown token is an error
   * @throws GliaError if a token occurs twice
   */
  constructor(tokens: readonly string[], unknown = '<unk>') {
    this.tokens = [...tokens]
    this.#numbers = new Map(this.tokens.map((token, i) => [token, i]))
    if (this.#numbers.size !== this.tokens.length) throw new GliaError('Vocabulary: a token occurs twice.')
    this.#unknown = this.#numbers.get(unknown)
  }

  /**
   * Counts tokens and numbers them by frequency, equally frequent ones by their characters.
   *
   * @param documents of training examples only
   */
  static build(documents: Iterable<Iterable<string>>, options: VocabularyOptions = {}): Vocabulary {
    const { minCount = 1, maxSize = Number.POSITIVE_INFINITY, specials = ['<pad>', '<unk>'], unknown } = options
    const counts = new Map<string, number>()
    for (const document of documents) for (const token of document) counts.set(token, (counts.get(token) ?? 0) + 1)
    for (const special of specials) counts.delete(special)
    const frequent = [...counts].filter(([, count]) => count >= minCount)
    frequent.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    const room = Math.max(0, maxSize - specials.length)
    return new Vocabulary([...specials, ...frequent.slice(0, room).map(([token]) => token)], unknown)
  }

  static fromJSON(json: unknown): Vocabulary {
    const { tokens, unknown } = (json ?? {}) as { tokens?: unknown; unknown?: unknown }
    if (Array.isArray(tokens) && tokens.every((t) => typeof t === 'string')) {
      return new Vocabulary(tokens, typeof unknown === 'string' ? unknown : '')
    }
    throw new GliaError('Vocabulary.fromJSON: this is not what Vocabulary.toJSON returned.')
  }

  toJSON(): { readonly tokens: readonly string[]; readonly unknown: string | null } {
    return { tokens: this.tokens, unknown: this.#unknown === undefined ? null : this.tokens[this.#unknown] }
  }

  get size(): number {
    return this.tokens.length
  }

  has(token: string): boolean {
    return this.#numbers.has(token)
  }

  /** @throws GliaError if the token is unknown and there is no token for that */
  number(token: string): number {
    const number = this.#numbers.get(token) ?? this.#unknown
    if (number !== undefined) return number
    throw new GliaError(`Vocabulary: ${JSON.stringify(token)} is not known, and there is no token for unknown ones.`)
  }

  /** @throws GliaError if there is no such number */
  token(number: number): string {
    if (this.tokens[number] !== undefined) return this.tokens[number]
    throw new GliaError(`Vocabulary: there is no token ${number}; there are ${this.size}.`)
  }
}
