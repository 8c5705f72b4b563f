/** @file Ratings of items by users who have hidden tastes. */

import { permutation, Random } from '../random.ts'
import type { Ratings } from '../readers/movielens.ts'
import { checkCount } from './points.ts'

export interface RatingsOptions {
  /** 100 by default. */
  readonly users?: number
  /** 80 by default. */
  readonly items?: number
  /** Ratings per user, 20 by default, each of another item. */
  readonly perUser?: number
  /** Hidden tastes, 3 by default. */
  readonly factors?: number
  /** Standard deviation of the noise, in stars; 0.3 by default. */
  readonly noise?: number
  /** 0 by default. */
  readonly seed?: number
}

/**
 * Ratings of half stars from 0.5 to 5: `3 + user's bias + item's bias + taste · kind + noise`, rounded. A factorisation with
 * as many factors can learn them but for noise and rounding.
 *
 * @throws GliaError if a count is not whole, or there are more ratings per user than items
 */
export function ratings(options: RatingsOptions = {}): Ratings {
  const { users = 100, items = 80, factors = 3, noise = 0.3, seed = 0 } = options
  const { perUser = Math.min(20, items) } = options
  for (const [name, value] of Object.entries({ users, items, perUser, factors })) checkCount('ratings', name, value)
  checkCount('ratings', `items (for ${perUser} ratings per user)`, items, perUser)
  const hidden = (stream: number, count: number): { bias: number; taste: number[] }[] =>
    Array.from({ length: count }, (_, i) => {
      const random = new Random(seed, stream, i)
      return { bias: 0.4 * random.bell(), taste: Array.from({ length: factors }, () => random.bell()) }
    })
  const [people, things] = [hidden(1, users), hidden(2, items)]
  const length = users * perUser
  const [userOf, itemOf, stars] = [new Int32Array(length), new Int32Array(length), new Float32Array(length)]
  for (let i = 0; i < length; i++) {
    const user = Math.floor(i / perUser)
    userOf[i] = user
    if (i % perUser === 0) itemOf.set(permutation(items, seed, 3, user).subarray(0, perUser), i)
    const [a, b] = [people[user], things[itemOf[i]]]
    const match = a.taste.reduce((sum, value, k) => sum + value * b.taste[k], 0) / Math.sqrt(factors)
    const value = 3 + a.bias + b.bias + match + noise * new Random(seed, 4, i).bell()
    stars[i] = Math.min(5, Math.max(0.5, Math.round(2 * value) / 2))
  }
  const numbered = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
  return {
    length,
    users: userOf,
    items: itemOf,
    ratings: stars,
    times: Float64Array.from({ length }, (_, i) => i),
    userIds: numbered(users),
    itemIds: numbered(items),
  }
}
