/**
 * @file Machine code touches nothing but its values: every value of a plan lies in pages of its own, between pages that
 * cannot be touched, in a process that an access outside would end.
 */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { CpuDevice } from '../../../src/plan/cpu.ts'
import { InterpDevice } from '../../../src/plan/interp.ts'
import { createWasmTargetSync } from '../../../src/targets/wasm/index.ts'
import { difference, graphValues } from '../../plan/agree.ts'
import { compareInProcess, type DeviceSpec } from '../../support/agreement.ts'
import { compiledTargets } from '../../support/devices.ts'

const here = (['avx512', 'avx2'] as const).filter((target) => compiledTargets.includes(target))
const first = Number(process.env.GLIA_SEED ?? 0)
const count = Number(process.env.GLIA_GRAPHS ?? 40)

test('values that are isolated leave nothing in the arena', () => {
  const device = new CpuDevice(createWasmTargetSync({ threads: 1 }), { isolate: true })
  const want = graphValues(new InterpDevice(), first)
  expect(difference(want, graphValues(device, first))).toBe(null)
  expect(device.memory()).toMatchObject({ arena: 0 })
})

describe.runIf(here.length > 0)('guarded values', () => {
  const cases = here.flatMap((target) => (['before', 'after'] as const).map((guard) => ({ target, guard })))
  test.each(cases)('$target, guards $guard', { timeout: 240_000 }, async ({ target, guard }) => {
    const devices: DeviceSpec[] = [{ target, threads: 2, guard }]
    const { failures, comparisons } = await compareInProcess({
      devices,
      samples: true,
      kinds: ['graph', 'step', 'product'],
      first,
      count,
    })
    expect(failures).toEqual([])
    expect(comparisons).toBeGreaterThan(500 + 3 * count)
  })

  test('a kernel that writes past a value ends the process, which is told', async () => {
    const devices: DeviceSpec[] = [{ target: here[0], threads: 1, guard: 'after' }]
    const script = fileURLToPath(new URL('./overrun.ts', import.meta.url))
    const { failures } = await compareInProcess({ devices, samples: false, kinds: [], first: 0, count: 10 }, script)
    expect(failures).toEqual([{ what: '11 units', reason: expect.stringContaining('SIGSEGV') }])
  })
})
