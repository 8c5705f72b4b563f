/** @file How good generated text is: perplexity, overlap with references, and edit distances. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { checkSeen, read, StreamingMean, StreamingMetric, type Values } from './metric.ts'

/** Words or other tokens, or a text that is divided at white space. */
export type Tokens = string | readonly string[]

function tokensOf(text: Tokens): readonly string[] {
  return typeof text === 'string' ? text.split(/\s+/).filter((word) => word !== '') : text
}

/** e to the mean of −log p of the actual tokens (Jelinek et al. 1977). */
export class Perplexity extends StreamingMean<[logits: Values, target: Values]> {
  readonly #ignore: number

  /** @param options.ignoreIndex targets that do not count, such as padding (default −100) */
  constructor(options: { readonly ignoreIndex?: number } = {}) {
    super()
    this.#ignore = options.ignoreIndex ?? -100
  }

  /** @param logits `[…, V]`, classes last @param target token numbers `[…]` */
  update(logits: Values, target: Values): void {
    const [x, t] = [read(logits), read(target)]
    const size = x.shape[x.shape.length - 1] ?? 0
    if (size === 0 || !sameShape(x.shape.slice(0, -1), t.shape)) {
      throw new GliaError(
        `Perplexity: needs logits […, V] and token numbers […]; received ${showShape(x.shape)} and ${showShape(t.shape)}.`,
      )
    }
    for (let i = 0; i < t.data.length; i++) {
      const own = t.data[i]
      if (own === this.#ignore) continue
      if (!(Number.isInteger(own) && own >= 0 && own < size)) {
        throw new GliaError(`Perplexity: token numbers must be whole, from 0 to ${size - 1}; received ${own}.`)
      }
      this.add(logSumExp(x.data, i * size, size) - x.data[i * size + own])
    }
  }

  override compute(): number {
    return Math.exp(super.compute())
  }
}

function logSumExp(x: ArrayLike<number>, start: number, size: number): number {
  let most = -Infinity
  for (let c = 0; c < size; c++) most = Math.max(most, x[start + c])
  let sum = 0
  for (let c = 0; c < size; c++) sum += Math.exp(x[start + c] - most)
  return most + Math.log(sum)
}

/** How often each run of n tokens occurs. */
function ngrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i + n <= tokens.length; i++) {
    const key = tokens.slice(i, i + n).join('\u0000')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/** How many of the n-grams are among the others, each as often as there. */
function overlap(counts: ReadonlyMap<string, number>, others: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const [key, count] of counts) sum += Math.min(count, others.get(key) ?? 0)
  return sum
}

export interface BleuOptions {
  /** Longest runs of words that count (default 4). */
  readonly maxN?: number
  /**
   * What keeps a run that is nowhere matched from making the score 0: nothing (the default); `addOne`, which adds 1 to
   * numerator and denominator for n > 1 (Lin & Och 2004); or `epsilon`, 0.1 in place of 0 matches (Chen & Cherry 2014).
   */
  readonly smoothing?: 'none' | 'addOne' | 'epsilon'
}

/**
 * BLEU of a corpus (Papineni et al. 2002), from 0 to 1: the geometric mean of the shares of n-grams that occur in a
 * reference, times e^(1 − r / c) where the candidates' length c is less than the nearest references' r.
 */
export class Bleu extends StreamingMetric<
  [candidates: readonly Tokens[], references: readonly (readonly Tokens[])[]],
  number
> {
  readonly #maxN: number
  readonly #smoothing: NonNullable<BleuOptions['smoothing']>
  readonly #matched: number[]
  readonly #possible: number[]
  #length = 0
  #nearest = 0

  constructor(options: BleuOptions = {}) {
    super()
    const { maxN = 4, smoothing = 'none' } = options
    checkNumber('Bleu', 'maxN', maxN, { min: 1, whole: true })
    if (!['none', 'addOne', 'epsilon'].includes(smoothing)) {
      throw new GliaError(`Bleu: smoothing must be 'none', 'addOne' or 'epsilon'; received ${String(smoothing)}.`)
    }
    this.#maxN = maxN
    this.#smoothing = smoothing
    this.#matched = new Array<number>(maxN).fill(0)
    this.#possible = new Array<number>(maxN).fill(0)
  }

  /** Candidates, and for each of them one reference or several. */
  update(candidates: readonly Tokens[], references: readonly (readonly Tokens[])[]): void {
    checkPairs('Bleu', candidates, references)
    candidates.forEach((candidate, i) => {
      const words = tokensOf(candidate)
      const others = references[i].map(tokensOf)
      if (others.length === 0) throw new GliaError(`Bleu: candidate ${i} has no references; give it at least one.`)
      this.#length += words.length
      const gap = (r: readonly string[]): number => Math.abs(r.length - words.length)
      this.#nearest += others.reduce((best, r) =>
        gap(r) < gap(best) || (gap(r) === gap(best) && r.length < best.length) ? r : best,
      ).length
      for (let n = 1; n <= this.#maxN; n++) {
        const most = new Map<string, number>()
        for (const r of others) {
          for (const [key, count] of ngrams(r, n)) most.set(key, Math.max(count, most.get(key) ?? 0))
        }
        this.#matched[n - 1] += overlap(ngrams(words, n), most)
        this.#possible[n - 1] += Math.max(0, words.length - n + 1)
      }
    })
  }

  compute(): number {
    checkSeen('Bleu', this.#nearest)
    if (this.#matched[0] === 0) return 0
    let sum = 0
    for (let n = 0; n < this.#maxN; n++) {
      const extra = this.#smoothing === 'addOne' && n > 0 ? 1 : 0
      const matched = this.#matched[n] === 0 && this.#smoothing === 'epsilon' ? 0.1 : this.#matched[n] + extra
      sum += Math.log(matched / Math.max(1, this.#possible[n] + extra)) / this.#maxN
    }
    return Math.min(1, Math.exp(1 - this.#nearest / this.#length)) * Math.exp(sum)
  }

  reset(): void {
    this.#matched.fill(0)
    this.#possible.fill(0)
    this.#length = 0
    this.#nearest = 0
  }

  merge(other: this): void {
    if (other.#maxN !== this.#maxN) throw new GliaError(`merge: maxN is ${this.#maxN} here and ${other.#maxN} there.`)
    for (let n = 0; n < this.#maxN; n++) {
      this.#matched[n] += other.#matched[n]
      this.#possible[n] += other.#possible[n]
    }
    this.#length += other.#length
    this.#nearest += other.#nearest
  }
}

function checkPairs(operation: string, a: readonly unknown[], b: readonly unknown[]): void {
  if (a.length !== b.length) {
    throw new GliaError(`${operation}: needs as many references as candidates; received ${b.length} and ${a.length}.`)
  }
}

/** Share of a candidate that is in the reference, of the reference that is in the candidate, and their harmonic mean. */
export interface RougeScore {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** ROUGE scores: of single words, pairs of words, and the longest common subsequence. */
export interface RougeScores {
  readonly rouge1: RougeScore
  readonly rouge2: RougeScore
  readonly rougeL: RougeScore
}

const rouges = ['rouge1', 'rouge2', 'rougeL'] as const

/** ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) of pairs of texts, averaged over pairs. Words are compared as they are. */
export class Rouge extends StreamingMetric<
  [candidates: readonly Tokens[], references: readonly Tokens[]],
  RougeScores
> {
  #sums = rouges.map(() => ({ precision: 0, recall: 0, f1: 0 }))
  #count = 0

  update(candidates: readonly Tokens[], references: readonly Tokens[]): void {
    checkPairs('Rouge', candidates, references)
    candidates.forEach((candidate, i) => {
      const [c, r] = [tokensOf(candidate), tokensOf(references[i])]
      const shared = (n: number): number => overlap(ngrams(c, n), ngrams(r, n))
      this.#add(0, shared(1), c.length, r.length)
      this.#add(1, shared(2), c.length - 1, r.length - 1)
      this.#add(2, commonSubsequence(c, r), c.length, r.length)
      this.#count++
    })
  }

  #add(which: number, shared: number, candidate: number, reference: number): void {
    const precision = shared / Math.max(1, candidate)
    const recall = shared / Math.max(1, reference)
    const sums = this.#sums[which]
    sums.precision += precision
    sums.recall += recall
    sums.f1 += shared === 0 ? 0 : (2 * precision * recall) / (precision + recall)
  }

  compute(): RougeScores {
    checkSeen('Rouge', this.#count)
    const mean = ({ precision, recall, f1 }: RougeScore): RougeScore => ({
      precision: precision / this.#count,
      recall: recall / this.#count,
      f1: f1 / this.#count,
    })
    const [rouge1, rouge2, rougeL] = this.#sums.map(mean)
    return { rouge1, rouge2, rougeL }
  }

  reset(): void {
    this.#sums = rouges.map(() => ({ precision: 0, recall: 0, f1: 0 }))
    this.#count = 0
  }

  merge(other: this): void {
    this.#sums.forEach((s, i) => {
      s.precision += other.#sums[i].precision
      s.recall += other.#sums[i].recall
      s.f1 += other.#sums[i].f1
    })
    this.#count += other.#count
  }
}

/** Length of the longest sequence that both contain in order, with gaps. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1)
  for (const word of a) {
    const next = new Uint32Array(b.length + 1)
    for (let j = 0; j < b.length; j++) next[j + 1] = word === b[j] ? row[j] + 1 : Math.max(row[j + 1], next[j])
    row = next
  }
  return row[b.length]
}

/** Fewest insertions, deletions and substitutions that turn `a` into `b` (Levenshtein 1966). */
export function editDistance<T>(a: ArrayLike<T>, b: ArrayLike<T>): number {
  let row = Uint32Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const next = new Uint32Array(b.length + 1)
    next[0] = i + 1
    for (let j = 0; j < b.length; j++) {
      next[j + 1] = Math.min(row[j] + (a[i] === b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
    }
    row = next
  }
  return row[b.length]
}

/** Edits per reference token. */
abstract class ErrorRate extends StreamingMean<[hypotheses: readonly Tokens[], references: readonly Tokens[]]> {
  protected abstract units(text: Tokens): readonly string[]

  /** Texts, and what they should be. */
  update(hypotheses: readonly Tokens[], references: readonly Tokens[]): void {
    checkPairs(this.constructor.name, hypotheses, references)
    hypotheses.forEach((hypothesis, i) => {
      const reference = this.units(references[i])
      this.add(editDistance(this.units(hypothesis), reference), reference.length)
    })
  }
}

/** Words to be inserted, deleted or changed, per word of the references. May exceed 1. */
export class WordErrorRate extends ErrorRate {
  protected units(text: Tokens): readonly string[] {
    return tokensOf(text)
  }
}

/** Characters to be inserted, deleted or changed, per character of the references. May exceed 1. */
export class CharErrorRate extends ErrorRate {
  protected units(text: Tokens): readonly string[] {
    return [...(typeof text === 'string' ? text : text.join(''))]
  }
}
