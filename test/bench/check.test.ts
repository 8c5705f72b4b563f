import { describe, expect, it } from 'vitest'
import { check } from '../../bench/check.ts'
import { infer, train, type Workload } from '../../bench/workload.ts'
import { rand } from '../../src/index.ts'
import { writeSafetensors } from '../../src/io/index.ts'
import { mse } from '../../src/loss/index.ts'
import { Linear } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'

/** w ← w − 0.25 · 2 (w x − y) x, with noise added to the prediction when it is given. */
function line(): Workload {
  const model = new Linear(1, 1, { bias: false })
  const optimizer = new SGD(model.parameters(), { lr: 0.25 })
  return train({ model }, [rand([1, 1]), rand([1, 1])], (x, y, noise) => {
    const prediction = model.call(x)
    const loss = mse(noise ? prediction.add(noise) : prediction, y)
    optimizer.minimize(loss)
    return loss
  })
}

type Values = Readonly<Record<string, readonly number[]>>

const one = (
  values: Values,
  shape: readonly number[],
): [string, { dtype: 'float32'; shape: readonly number[]; data: Float32Array }][] =>
  Object.entries(values).map(([name, v]) => [
    name,
    { dtype: 'float32', shape: name === 'exact' || name === 'drift' ? [v.length] : shape, data: Float32Array.from(v) },
  ])

function file(values: Values, params = 1, shape: readonly number[] = [1, 1]): Uint8Array {
  return writeSafetensors(one(values, shape), [['params', String(params)]])
}

describe('check of a training workload', () => {
  // w = 3, 2, 1.5: the losses of 3 x = 1 with x = 1
  const steps = { 'weights.model.weight': [3], 'inputs.0': [1], 'inputs.1': [1] }

  it('accepts the losses of its steps', () => {
    const result = check(line(), file({ ...steps, exact: [4, 1, 0.25], drift: [0, 0, 1e-7] }))
    expect(result).toEqual({ deviation: 0, torch: Math.fround(1e-7), compared: 3 })
  })

  it('hands each step its noise', () => {
    const noise = { 'noise.0': [1], 'noise.1': [0], 'noise.2': [2] }
    // w = 3: (3 + 1 − 1)² = 9, w = 1.5: 0.25, w = 1.25: 2.25² = 5.0625
    expect(check(line(), file({ ...steps, ...noise, exact: [9, 0.25, 5.0625], drift: [0] })).deviation).toBe(0)
  })

  it('refuses a loss that is off', () => {
    const wrong = file({ ...steps, exact: [4, 1, 0.2502], drift: [0, 0, 0] })
    expect(() => check(line(), wrong)).toThrow('its loss 3 is off by 8.0e-4, where 1.0e-4 is allowed')
  })

  it('allows later losses to drift as far as runs of PyTorch do, the first not', () => {
    const drift = [0, 0, 1e-3]
    expect(check(line(), file({ ...steps, exact: [4, 1, 0.2502], drift })).compared).toBe(3)
    expect(() => check(line(), file({ ...steps, exact: [4.01, 1, 0.25], drift }))).toThrow('its loss 1')
  })

  it('refuses other weights', () => {
    const values = { exact: [1], drift: [0] }
    expect(() => check(line(), file(values, 2))).toThrow("it has 1 parameters, PyTorch's has 2")
    expect(() => check(line(), file(values))).toThrow('missing: weight')
  })
})

describe('check of an inference workload', () => {
  const double = (): Workload => infer({}, [rand([2])], (x) => x.mul(2))
  const inputs = { 'inputs.0': [1, 100] }

  it('measures errors against the greatest entry', () => {
    const result = check(double(), file({ ...inputs, exact: [2.01, 200], drift: [0] }, 0, [2]))
    expect(result.deviation).toBeCloseTo(0.01 / 200, 6)
  })

  it('refuses outputs that differ in size or number, and NaN', () => {
    const against = (exact: number[]) => () => check(double(), file({ ...inputs, exact, drift: [1] }, 0, [2]))
    expect(against([2, 201])).toThrow('its output is off')
    expect(against([2])).toThrow('it gives 2 numbers, not 1')
    expect(against([2, Number.NaN])).toThrow('its output is off')
  })
})
