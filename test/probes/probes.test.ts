import { beforeEach, describe, it } from 'vitest'
import { setDefaultDevice } from '../../src/index.ts'
import { devices } from '../support/devices.ts'
import * as probes from './index.ts'

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => setDefaultDevice(device))
  it.each(Object.entries(probes))('%s', (_, probe) => probe(device), 120_000)
})
