import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { products } from '../../bench/flops.ts'
import { GPT } from '../../bench/models/gpt.ts'
import { ResNet18 } from '../../bench/models/resnet.ts'
import { VGG16 } from '../../bench/models/vgg.ts'
import { flopsOf, parameterCount } from '../../bench/workload.ts'
import { make, workloads } from '../../bench/workloads.ts'
import { rand, randint, type Tensor } from '../../src/index.ts'
import { bceWithLogits } from '../../src/loss/index.ts'
import { Conv2d, ConvTranspose2d } from '../../src/nn/index.ts'

/** Numbers of parameters by workload, from the peers' description: `` | `a_b1`, `_b2` | … | 1,234 | ``. */
function described(): [name: string, count: number][] {
  const text = readFileSync(join(import.meta.dirname, '../../bench/peers/README.md'), 'utf8')
  return [...text.matchAll(/^\| (`.*?`) \|.*\| ([\d,]+) \|$/gm)].flatMap(([, cell, count]) => {
    const [first, ...more] = [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name)
    const names = [first, ...more.map((suffix) => first.replace(/_[^_]*$/, suffix))]
    return names.map((name): [string, number] => [name, Number(count.replaceAll(',', ''))])
  })
}

describe('the workloads', () => {
  const all = described()

  it('are those described beside the peers', () => {
    expect(all.length).toBeGreaterThan(15)
    expect(Object.keys(workloads)).toEqual(expect.arrayContaining(all.map(([name]) => name)))
  })

  it.each(all)('%s has %d parameters', (name, count) => {
    expect(parameterCount(make(name))).toBe(count)
  })
})

describe('the state dicts', () => {
  it("have torchvision's keys", () => {
    const resnet = new ResNet18().namedState().map(([name]) => name)
    expect(resnet).toHaveLength(122)
    expect(resnet).toEqual(expect.arrayContaining(['bn1.running_var', 'layer4.0.downsample.1.num_batches_tracked']))
    const vgg = new VGG16().namedState().map(([name]) => name)
    expect(vgg).toHaveLength(32)
    expect(vgg).toEqual(expect.arrayContaining(['features.28.weight', 'classifier.6.bias']))
  })
})

describe('products', () => {
  const forward = (y: Tensor): number => products([y.node]).reduce((n, p) => n + p.flops, 0)

  it("counts the published networks' multiply-adds", () => {
    // 1.814 and 15.470 billion, two operations each
    expect(forward(new ResNet18().eval().call(rand([1, 3, 224, 224])))).toBe(2 * 1_814_073_344)
    expect(forward(new VGG16().eval().call(rand([1, 3, 224, 224])))).toBe(2 * 15_470_264_320)
  })

  it('counts attention by hand', () => {
    const [tokens, width] = [2 * 128, 128]
    const block = tokens * width * 12 * width + 2 * tokens * 128 * width
    expect(forward(new GPT().call(randint(0, 65, [2, 128])))).toBe(2 * (4 * block + tokens * width * 65))
  })

  it('does not count the zeros that a transposed convolution puts between elements', () => {
    const x = rand([2, 3, 8, 8])
    const up = new ConvTranspose2d(3, 5, 4, { stride: 2, padding: 1 })
    const down = new Conv2d(5, 3, 4, { stride: 2, padding: 1 })
    expect(forward(up.call(x))).toBe(forward(down.call(rand([2, 5, 16, 16]))))
  })

  it('counts gradients', () => {
    const layer = new Conv2d(3, 8, 3)
    const loss = bceWithLogits(layer.call(rand([2, 3, 6, 6])), rand([2, 8, 4, 4]))
    loss.backward()
    const gradient = layer.weight.grad
    const once = 2 * (2 * 8 * 4 * 4 * 3 * 9)
    expect(gradient && forward(gradient)).toBe(2 * once)
  })

  it('counts the products of a training step while it is recorded', () => {
    const workload = make('mlp_train_b32')
    expect(workload.products()).toEqual([])
    workload.step(...workload.inputs)
    // No gradient of the images.
    expect(flopsOf(workload)).toBe(2 * 32 * (2 * 784 * 128 + 3 * 128 * 10))
  })
})
