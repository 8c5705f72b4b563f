/** @file Hooks after `forward`, taps of activations, and what they mean for compiled functions. */
import { beforeEach, describe, expect, it } from 'vitest'
import { compile, manualSeed, ones, setDefaultDevice, type Tensor } from '../../src/index.ts'
import { Linear, LSTM, Module, ReLU, Sequential, summary, tap } from '../../src/nn/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

const mlp = (): Sequential => new Sequential({ hidden: new Linear(3, 4), act: new ReLU(), out: new Linear(4, 2) })

describe('onForward', () => {
  it('sees outputs and inputs, of call and of forward, until it is removed', () => {
    const layer = new Linear(3, 2)
    const seen: unknown[] = []
    const remove = layer.onForward((y, inputs) => {
      seen.push([y.shape, inputs.length])
      return undefined
    })
    const x = ones([5, 3])
    layer.call(x)
    layer.forward(x)
    expect(seen).toEqual([
      [[5, 2], 1],
      [[5, 2], 1],
    ])
    remove()
    remove()
    layer.call(x)
    expect(seen).toHaveLength(2)
    expect(Object.hasOwn(layer, 'forward')).toBe(false)
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias'])
  })

  it('may replace the output, one hook after the other', () => {
    const layer = new ReLU()
    const twice = layer.onForward((y) => y.mul(2))
    layer.onForward((y) => y.add(1))
    expect(layer.call(ones([1])).itemSync()).toBe(3)
    twice()
    expect(layer.call(ones([1])).itemSync()).toBe(2)
  })

  it('keeps a forward of the module’s own', () => {
    class Own extends Module {
      override readonly forward = (x: Tensor): Tensor => x.mul(3)
    }
    const m = new Own()
    m.onForward((y) => y.add(1))()
    expect(m.call(ones([1])).itemSync()).toBe(3)
    m.onForward((y) => y.add(1))
    expect(m.call(ones([1])).itemSync()).toBe(4)
  })

  it('has compiled functions recorded anew when it comes and goes, and only then', () => {
    const net = mlp()
    const run = compile((x: Tensor) => net.call(x).sum())
    const plain = run(ones([1, 3])).itemSync()
    const remove = net.get('out')?.onForward((y) => y.add(1))
    const raised = run(ones([1, 3])).itemSync()
    expect(raised).toBeCloseTo(plain + 2)
    run(ones([1, 3]))
    expect(run.traces).toHaveLength(2)
    expect(run.traces[1]).toMatch(/a forward hook was added or removed/)
    remove?.()
    expect(run(ones([1, 3])).itemSync()).toBe(plain)
    summary(net, [3])
    tap(net, ['act'], () => net.call(ones([2, 3])))
    run(ones([1, 3]))
    expect(run.traces).toHaveLength(2)
  })

  it('refuses what is not a function', () => {
    expect(() => new ReLU().onForward(1 as never)).toThrow(/takes a function; received number/)
  })
})

describe('tap', () => {
  it('returns what parts put out', () => {
    const net = mlp()
    const x = ones([2, 3])
    const { result, outputs } = tap(net, ['hidden', 'act'], () => net.call(x))
    expect(outputs.act.arraySync()).toEqual(outputs.hidden.relu().arraySync())
    expect(net.get('out')?.forward(outputs.act).arraySync()).toEqual(result.arraySync())
    expect(Object.hasOwn(net.at(0) as Module, 'forward')).toBe(false)
  })

  it('works in a compiled function, which records once', () => {
    const net = mlp()
    const run = compile((x: Tensor) => tap(net, ['act'], () => net.call(x)))
    const first = run(ones([2, 3]))
    const again = run(ones([2, 3]).mul(2))
    expect(run.traces).toHaveLength(1)
    expect(first.outputs.act.arraySync()).toEqual(
      tap(net, ['act'], () => net.call(ones([2, 3]))).outputs.act.arraySync(),
    )
    expect(again.outputs.act.sum().itemSync()).not.toBe(first.outputs.act.sum().itemSync())
  })

  it('takes the first tensor of several, and lets gradients through', () => {
    const lstm = new LSTM(2, 3)
    const { result, outputs } = tap(lstm, [''], () => lstm.call(ones([4, 1, 2])))
    expect(outputs[''].shape).toEqual([4, 1, 3])
    expect(outputs['']).toBe(result[0])
    outputs[''].sum().backward()
    expect(lstm.parameters()[0].grad?.shape).toEqual([12, 2])
  })

  it('names paths that are not there and parts that were not called', () => {
    const net = mlp()
    expect(() => tap(net, ['hiden'], () => net.call(ones([1, 3])))).toThrow(
      /no part 'hiden'; there are hidden, act, out/,
    )
    expect(() => tap(net, ['act'], () => ones([1]))).toThrow(/act put out no tensor/)
    expect(() => tap(net, ['act'], () => net.call(ones([1, 7])))).toThrow(/received \[1, 7\]/)
    expect(Object.hasOwn(net.at(1) as Module, 'forward')).toBe(false)
  })
})
