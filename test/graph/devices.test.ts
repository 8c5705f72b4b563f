import { describe, expect, it } from 'vitest'
import { createDeviceSync } from '../../src/plan/create.ts'
import { variants } from '../support/devices.ts'
import { compiled, realised, sampleDifference } from './run-sample.ts'
import { allSamples } from './samples.ts'

const interp = createDeviceSync('interp')
describe('devices agree with the interpreter', () => {
  it.each(allSamples())('$op: $sample.note', ({ sample }) => {
    const want = realised(interp, sample)
    for (const [name, device] of variants) {
      for (const run of [realised, compiled]) {
        expect(sampleDifference(sample, want, run(device, sample)), `${run.name} on ${name}`).toBe(null)
      }
    }
  })
})
