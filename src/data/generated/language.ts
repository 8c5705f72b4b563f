/** @file Sentences from small grammars: opinions with their sentiment, and English with its French. */

import { Random } from '../random.ts'
import { checkCount } from './points.ts'

export interface SentencesOptions {
  /** Number of sentences, 1,000 by default. */
  readonly count?: number
  /** Safe integer, 0 by default; sentence `i` depends on it and `i` alone. */
  readonly seed?: number
}

/** A sentence and its class. */
export interface Opinion {
  readonly text: string
  /** 0 negative, 1 positive. */
  readonly label: 0 | 1
}

/** A sentence in two languages. */
export interface Translation {
  readonly source: string
  readonly target: string
}

const GOOD = ['good', 'great', 'charming', 'moving', 'funny', 'clever', 'wonderful', 'lively']
const BAD = ['bad', 'poor', 'boring', 'flat', 'clumsy', 'silly', 'awful', 'tired']
const THINGS = ['film', 'story', 'plot', 'ending', 'music', 'cast', 'script', 'scene']
const DEGREES = ['', 'very ', 'really ', 'quite ']
const OPENINGS = ['', 'i think ', 'for me ', 'in the end ', 'honestly , ']

/**
 * Opinions such as `i think the plot is not very funny`. A negation turns the sentiment round, and after `but` the second
 * half decides: counting words is not enough. Labels take turns.
 */
export function sentiment(options: SentencesOptions = {}): Opinion[] {
  const { count = 1000, seed = 0 } = options
  checkCount('sentiment', 'count', count)
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed, 1, i)
    const label = (i % 2) as 0 | 1
    const kind = random.below(3)
    const [opening, last] = [one(random, OPENINGS), clause(random, label)]
    const first = clause(random, kind === 1 ? label : ((1 - label) as 0 | 1))
    const text = kind === 0 ? last : kind === 1 ? `${first} and ${last}` : `${first} but ${last}`
    return { text: opening + text, label }
  })
}

function clause(random: Random, label: 0 | 1): string {
  const negated = random.below(3) === 0
  const adjective = one(random, (label === 1) !== negated ? GOOD : BAD)
  return `the ${one(random, THINGS)} is ${negated ? 'not ' : ''}${one(random, DEGREES)}${adjective}`
}

function one<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)]
}

/** English, French, whether feminine. */
const NOUNS: readonly (readonly [string, string, boolean])[] = [
  ['dog', 'chien', false],
  ['cat', 'chat', false],
  ['house', 'maison', true],
  ['car', 'voiture', true],
  ['book', 'livre', false],
  ['table', 'table', true],
  ['girl', 'fille', true],
  ['boy', 'garçon', false],
]
/** English, French, feminine form, whether it comes before the noun. */
const ADJECTIVES: readonly (readonly [string, string, string, boolean])[] = [
  ['green', 'vert', 'verte', false],
  ['black', 'noir', 'noire', false],
  ['small', 'petit', 'petite', true],
  ['big', 'grand', 'grande', true],
  ['red', 'rouge', 'rouge', false],
]
const VERBS: readonly (readonly [string, string])[] = [
  ['sees', 'voit'],
  ['has', 'a'],
  ['finds', 'trouve'],
  ['likes', 'aime'],
]

/**
 * Pairs such as `the small girl sees a green car` and `la petite fille voit une voiture verte`: words agree, and change
 * places.
 */
export function translations(options: SentencesOptions = {}): Translation[] {
  const { count = 1000, seed = 0 } = options
  checkCount('translations', 'count', count)
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed, 2, i)
    const [subject, [verb, verbe], object] = [phrase(random), one(random, VERBS), phrase(random)]
    return {
      source: `${subject.source} ${verb} ${object.source}`,
      target: `${subject.target} ${verbe} ${object.target}`,
    }
  })
}

function phrase(random: Random): Translation {
  const [noun, nom, feminine] = one(random, NOUNS)
  const definite = random.below(2) === 0
  const article = definite ? (feminine ? 'la' : 'le') : feminine ? 'une' : 'un'
  const the = definite ? 'the' : 'a'
  if (random.below(3) === 0) return { source: `${the} ${noun}`, target: `${article} ${nom}` }
  const [adjective, masculine, female, before] = one(random, ADJECTIVES)
  const agreeing = feminine ? female : masculine
  return {
    source: `${the} ${adjective} ${noun}`,
    target: before ? `${article} ${agreeing} ${nom}` : `${article} ${nom} ${agreeing}`,
  }
}
