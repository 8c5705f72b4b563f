import { describe, expect, it } from 'vitest'
import { createDeviceSync } from '../../src/plan/create.ts'
import { variants } from '../support/devices.ts'
import { difference, graphValues } from './agree.ts'

const count = Number(process.env.GLIA_GRAPHS ?? 400)
const first = Number(process.env.GLIA_SEED ?? 0)

describe('random graphs agree with the interpreter', () => {
  const interp = createDeviceSync('interp')
  for (const [name, device] of variants) {
    it(name, { timeout: 240_000 }, () => {
      for (let seed = first; seed < first + count; seed++) {
        expect(difference(graphValues(interp, seed), graphValues(device, seed)), `seed ${seed}`).toBe(null)
      }
    })
  }
})
