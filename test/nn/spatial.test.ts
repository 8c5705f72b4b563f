/** @file Rules of TensorFlow's that PyTorch lacks, and operations that undo each other. */
import { describe, expect, it } from 'vitest'
import { arange, compile, manualSeed, ones, randn, type Tensor, tensor } from '../../src/index.ts'
import { Conv2d, ConvTranspose2d, functional as f, MaxPool2d, MaxUnpool2d, Upsample } from '../../src/nn/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose } from '../support/torch.ts'

describe.each(devices)('on %s', (_, device) => {
  it('padding same with a stride follows TensorFlow: ⌈input / stride⌉ outputs, the odd zero after', () => {
    const x = arange(1, 6, 1, { device }).float().reshape([1, 1, 5])
    const w = tensor([[[1, 10, 100]]], { device })
    // tf.nn.conv1d([1, 2, 3, 4, 5], [1, 10, 100], stride 2, SAME): padded by one on both sides.
    expect(f.conv(x, w, null, { padding: 'same', stride: 2 }).arraySync()).toEqual([[[210, 432, 54]]])
    // Of four elements, three steps of 2 need one zero, which goes after.
    const short = x.narrow(2, 0, 4)
    expect(f.conv(short, w, null, { padding: 'same', stride: 2 }).arraySync()).toEqual([[[321, 43]]])
  })

  it('pools with padding same average over what is inside', () => {
    const x = arange(1, 6, 1, { device }).float().reshape([1, 1, 5])
    expect(f.avgPool(x, 2, { padding: 'same' }).arraySync()).toEqual([[[1.5, 3.5, 5]]])
    expect(f.avgPool(x, 2, { padding: 'same', countIncludePad: true }).arraySync()).toEqual([[[1.5, 3.5, 2.5]]])
    expect(f.maxPool(x.neg(), 3, { padding: 'same', stride: 2 }).arraySync()).toEqual([[[-1, -2, -4]]])
  })

  it('transposed convolutions with padding same are input · stride long', () => {
    for (const [kernel, stride] of [
      [3, 2],
      [2, 3],
      [4, 2],
      [1, 1],
    ]) {
      const layer = new ConvTranspose2d(2, 3, kernel, { stride, padding: 'same' }).to(device)
      expect(layer.forward(ones([1, 2, 4, 5], { device })).shape).toEqual([1, 3, 4 * stride, 5 * stride])
    }
    // Keras: Conv1DTranspose of [1, 2] with kernel [1, 10, 100], stride 2, same: the last of five elements is cropped.
    const y = f.convTranspose(tensor([[[1, 2]]], { device }), tensor([[[1, 10, 100]]], { device }), null, {
      stride: 2,
      padding: 'same',
    })
    expect(y.arraySync()).toEqual([[[1, 10, 102, 20]]])
  })

  it('a transposed convolution is the gradient of the convolution', () => {
    manualSeed(0)
    const [x, w] = [randn([2, 4, 7, 7], { device }), randn([6, 2, 3, 3], { device })]
    x.requiresGrad = true
    const options = { stride: 2, padding: 1, groups: 2 }
    const g = randn([2, 6, 4, 4], { device })
    f.conv(x, w, null, options).backward(g)
    expectClose(
      f.convTranspose(g, w, null, options).dataSync(),
      [...(x.grad?.dataSync() ?? [])],
      'gradient',
      1e-4,
      1e-5,
    )
  })

  it('unpooling puts greatest elements back, overlapping windows too', () => {
    manualSeed(1)
    const x = randn([2, 3, 6, 7], { device })
    for (const options of [{}, { stride: 1 }, { stride: 2, padding: 1 }]) {
      const { values, indices } = new MaxPool2d(3, options).withIndices(x)
      const back = new MaxUnpool2d(3, options).forward(values, indices, { outputSize: [6, 7] })
      const [a, b] = [x.dataSync(), back.dataSync()]
      expect(b.some((v) => v !== 0)).toBe(true)
      b.forEach((v, i) => {
        if (v !== 0) expect(v).toBeCloseTo(a[i], 6)
      })
    }
  })

  it('folding undoes unfolding, divided by how often each element was there', () => {
    manualSeed(2)
    const x = randn([2, 3, 5, 6], { device })
    const options = { stride: [1, 2], padding: [1, 0] }
    const count = f.fold(f.unfold(ones(x.shape, { device }), 2, options), [5, 6], 2, options)
    const back = f.fold(f.unfold(x, 2, options), [5, 6], 2, options).div(count)
    expectClose(back.dataSync(), [...x.dataSync()], 'image')
  })

  it('a convolution is a product with unfolded patches', () => {
    manualSeed(3)
    const x = randn([2, 3, 6, 5], { device })
    const layer = new Conv2d(3, 4, [3, 2], { dilation: 2, padding: 1, bias: false }).to(device)
    const columns = f.unfold(x, [3, 2], { dilation: 2, padding: 1 })
    const y = layer.weight.reshape([4, 18]).matmul(columns)
    const direct = layer.forward(x)
    expectClose(y.reshape(direct.shape).dataSync(), [...direct.dataSync()], 'convolution', 1e-4, 1e-5)
  })

  it('shuffles and their inverses', () => {
    const x = arange(0, 2 * 12 * 2 * 3, 1, { device })
      .float()
      .reshape([2, 12, 2, 3])
    expect(f.pixelUnshuffle(f.pixelShuffle(x, 2), 2).dataSync()).toEqual(x.dataSync())
    expect(f.channelShuffle(f.channelShuffle(x, 3), 4).dataSync()).toEqual(x.dataSync())
  })

  it('upsampling compiles once per extents and replays', () => {
    const layer = new Upsample({ scaleFactor: 2, mode: 'bilinear' })
    const run = compile((x: Tensor) => layer.call(x))
    const constant = (v: number): Tensor => ones([1, 1, 3, 3], { device }).mul(v)
    expect(new Set(run(constant(2)).dataSync())).toEqual(new Set([2]))
    expect(new Set(run(constant(3)).dataSync())).toEqual(new Set([3]))
    expect(run.traces.length).toBe(1)
  })
})
