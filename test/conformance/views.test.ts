/** @file The cases of tensors, linear algebra and Fourier transforms once more, on views into larger tensors in another order. */
import { describe, expect, it } from 'vitest'
import { Tensor } from '../../src/index.ts'
import { devices } from '../support/devices.ts'
import * as fft from './groups/fft.ts'
import * as linalg from './groups/linalg.ts'
import * as tensor from './groups/tensor.ts'
import { checksOf } from './harness.ts'

/** The same values out of the middle of a transposed tensor with ones around them. */
function viewOf(value: unknown): unknown {
  if (!(value instanceof Tensor) || value.rank === 0) return value
  const around = value.pad([[1, 2]], 1).transpose(0, -1)
  const last = around.transpose(0, -1)
  return last.narrow(-1, 1, value.shape[value.rank - 1])
}

const [name, device] = devices[devices.length - 1]

describe(`views on ${name}`, () => {
  const checks = [tensor, linalg, fft].flatMap(({ group, runThrough }) =>
    checksOf(group.name).flatMap((check) =>
      check.case.inputs?.length ? [{ label: check.label, runThrough, check }] : [],
    ),
  )
  it.each(checks)('$label', ({ runThrough, check }) => {
    const problems = runThrough(check, device, viewOf).flatMap((c) => c.problem ?? [])
    expect(problems).toEqual([])
  })
})
