import { describe, expect, it } from 'vitest'
import { createDeviceSync } from '../../src/plan/create.ts'
import { variants } from '../support/devices.ts'
import { randomGraph } from './random-graphs.ts'

const count = Number(process.env.GLIA_GRAPHS ?? 400)
const first = Number(process.env.GLIA_SEED ?? 0)

/** Computes a graph on a device. Graphs are made anew: realising turns nodes into data. */
function values(device: ReturnType<typeof createDeviceSync>, seed: number): number[][] {
  const roots = randomGraph(seed)
  device.realise(roots)
  return roots.map((r) => Array.from(r.as('data').values))
}

function compare(expected: readonly number[][], got: readonly number[][], seed: number): void {
  expect(got.length).toBe(expected.length)
  expected.forEach((want, k) => {
    const have = got[k]
    expect(have.length, `seed ${seed}, root ${k}`).toBe(want.length)
    let worst = 0
    let at = -1
    want.forEach((w, i) => {
      const error = Object.is(w, have[i]) ? 0 : Math.abs(w - have[i]) / (1 + Math.abs(w))
      if (!(error <= worst)) {
        worst = error
        at = i
      }
    })
    expect(worst, `seed ${seed}, root ${k}, element ${at}: ${want[at]} became ${have[at]}`).toBeLessThan(1e-4)
  })
}

describe('random graphs agree with the interpreter', () => {
  const interp = createDeviceSync('interp')
  for (const [name, device] of variants) {
    it(name, { timeout: 240_000 }, () => {
      for (let seed = first; seed < first + count; seed++) compare(values(interp, seed), values(device, seed), seed)
    })
  }
})
