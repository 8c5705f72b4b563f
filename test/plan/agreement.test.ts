/** @file Random computations are on every device what they are on the interpreter. */
import { describe, expect, it } from 'vitest'
import { createDeviceSync } from '../../src/plan/create.ts'
import { variants } from '../support/devices.ts'
import { kinds } from './agree.ts'

const first = Number(process.env.GLIA_SEED ?? 0)
const interp = createDeviceSync('interp')

describe.each([
  ['graph', 400],
  ['step', 200],
  ['product', 24],
] as const)('a random %s agrees with the interpreter', (kind, usual) => {
  const count = Number(process.env.GLIA_GRAPHS ?? usual)
  const { values, difference } = kinds[kind]
  const known = new Map<number, ArrayLike<number>[]>()
  /** What the interpreter makes of a seed, once for all devices. */
  const expected = (seed: number): ArrayLike<number>[] => {
    const want = known.get(seed) ?? values(interp, seed)
    known.set(seed, want)
    return want
  }
  for (const [name, device] of variants) {
    it(name, { timeout: 480_000 }, () => {
      for (let seed = first; seed < first + count; seed++) {
        expect(difference(expected(seed), values(device, seed)), `seed ${seed}`).toBe(null)
      }
    })
  }
})
