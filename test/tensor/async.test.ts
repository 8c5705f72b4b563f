/** @file Compiled steps that run while the event loop goes on: what holds on every device, and machine code besides. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  compile,
  createDeviceSync,
  type Device,
  manualSeed,
  Parameter,
  randn,
  scan,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.ts'
import { mse } from '../../src/loss/index.ts'
import { Dropout, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import { x64Support } from '../../src/targets/x64/index.ts'

const support = x64Support()
const natives = 'reason' in support ? [] : support.isas
const devices: readonly (readonly [string, Device])[] = [
  ['interp', createDeviceSync('interp')],
  ['wasm', createDeviceSync('wasm', { threads: 2 })],
  ...natives.map((isa) => [isa, createDeviceSync(isa, { threads: 2 })] as const),
]

/** Counts to `by` more, one by one. */
function counting(cell: Parameter): (by: Tensor) => Tensor {
  return (by) => {
    cell.assign(cell.add(by))
    return cell.mul(1)
  }
}

/** A training of a small network with noise: losses depend on everything that a step updates. */
function training() {
  manualSeed(5)
  const first = new Linear(6, 8)
  const model = new Sequential(first, new ReLU(), new Dropout(0.3), new Linear(8, 2))
  const optimizer = new Adam(model.parameters(), { lr: 0.01 })
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = mse(model.call(x), y)
    optimizer.minimize(loss)
    return loss
  })
  return { step, weight: first.weight }
}

describe.each(devices)('async on %s', (_name, device) => {
  beforeEach(() => setDefaultDevice(device))

  it('trains bit for bit as plain calls do, steps queued or awaited one by one', async () => {
    manualSeed(1)
    const [x, y] = [randn([7, 6]).realise(), randn([7, 2]).realise()]
    const plain = training()
    const expected = [1, 2, 3, 4].map(() => plain.step(x, y).itemSync())
    const weights = Array.from(plain.weight.dataSync())

    const awaited = training()
    for (const loss of expected) expect(await (await awaited.step.async(x, y)).item()).toBe(loss)
    expect(Array.from(awaited.weight.dataSync())).toEqual(weights)

    const queued = training()
    const losses = await Promise.all([1, 2, 3, 4].map(() => queued.step.async(x, y)))
    expect(losses.map((l) => l.itemSync())).toEqual(expected)
    expect(Array.from(queued.weight.dataSync())).toEqual(weights)
  })

  it('refuses other uses until it has settled, changing nothing; await reads wait', async () => {
    const cell = new Parameter(tensor([1, 2]), { name: 'counter' })
    const step = compile(counting(cell))
    step(0)
    const running = step.async(1)
    expect(() => step(1)).toThrow(/is running a step that was started with async\(\)/)
    expect(() => step.profile([1])).toThrow(/running a step/)
    expect(() => zeros([2]).add(3).dataSync()).toThrow(/running a step/)
    const read = cell.data()
    expect(Array.from((await running).dataSync())).toEqual([2, 3])
    expect(Array.from(await read)).toEqual([2, 3])
    expect(Array.from(step(1).dataSync())).toEqual([3, 4])
    cell.set([7, 8])
    expect(Array.from((await step.async(1)).dataSync())).toEqual([8, 9])
  })

  it('rejects what fails, changes no cell, and goes on with the steps behind', async () => {
    const table = new Parameter(tensor([[1], [2], [3]]), { name: 'table' })
    const step = compile((at: Tensor) => {
      const rows = table.indexSelect(0, at)
      table.assign(table.mul(2))
      return rows
    })
    const at = (...i: number[]): Tensor => tensor(i, { dtype: 'int32' })
    const [first, second, third] = [step.async(at(0, 2)), step.async(at(0, 9)), step.async(at(1, 1))]
    expect((await first).arraySync()).toEqual([[1], [3]])
    await expect(second).rejects.toThrow(/index 9 is out of range/)
    expect((await third).arraySync()).toEqual([[4], [4]])
    expect(table.arraySync()).toEqual([[4], [8], [12]])
  })

  it('rejects arguments that no step takes, and calls in a compiled function', async () => {
    const step = compile((x: Tensor) => x.add(1))
    await expect(step.async((() => 1) as unknown as Tensor)).rejects.toThrow(/argument 1 of step is a function/)
    let inner: Promise<Tensor> | null = null
    compile((x: Tensor) => {
      inner = step.async(x)
      return x
    })(1)
    await expect(inner).rejects.toThrow(/was called in a compiled function/)
    expect((await step.async(2)).itemSync()).toBe(3)
  })

  it('sorts on the host between its parts', async () => {
    const step = compile((x: Tensor) => x.mul(2).sort(0).values.add(1))
    expect((await step.async(tensor([3, 1, 2]))).arraySync()).toEqual([3, 5, 7])
  })
})

describe.each(natives)('async on %s', (isa) => {
  it('lets timers fire while the step runs, during which cells cannot be touched', async () => {
    const device = createDeviceSync(isa, { threads: 2 })
    setDefaultDevice(device)
    const cell = new Parameter(tensor([1]), { name: 'held' })
    const x = randn([160, 160]).mul(0.01).realise()
    // Thousands of products one after the other.
    const step = compile((n: Tensor) => {
      const { carry } = scan(([h]) => ({ carry: [h.matmul(x).add(x)] }), [x], [], { length: 2000 })
      cell.assign(cell.add(n))
      return carry[0].sum()
    })
    const expected = step(1).itemSync()
    const events: string[] = []
    const refused: unknown[] = []
    const attempt = (what: () => void): void => {
      try {
        what()
        refused.push(null)
      } catch (error) {
        refused.push(error)
      }
    }
    setTimeout(() => {
      events.push('timer')
      attempt(() => cell.dataSync())
      attempt(() => cell.set([5]))
      attempt(() => cell.assign(tensor([6])))
    }, 0)
    const result = await step.async(1)
    events.push('step')
    expect(events).toEqual(['timer', 'step'])
    expect(refused).toHaveLength(3)
    for (const error of refused)
      expect(error).toMatchObject({ message: expect.stringMatching(/^held: device avx.* is running/) })
    expect(result.itemSync()).toBe(expected)
    expect(cell.dataSync()).toEqual(Float32Array.of(3))
  })
})
