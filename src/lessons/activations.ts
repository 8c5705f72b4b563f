/** @file A gallery of activations and their slopes, and what the courses say about them. */
import { grad, linspace, type Tensor, tensor } from '../index.ts'
import { functional, Maxout } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'

type Function_ = (x: Tensor) => Tensor

/** f′(x) at every x. */
function slopeOf(f: Function_, x: Tensor): Tensor {
  const leaf = tensor(x.dataSync(), { requiresGrad: true })
  return grad(f(leaf).sum(), [leaf])[0]
}

/** max(w₁x + b₁, w₂x + b₂) for one input and output. */
function maxout([w1, w2]: readonly [number, number], [b1, b2]: readonly [number, number] = [0, 0]): Function_ {
  return (x) => {
    const layer = new Maxout(1, 1)
    layer.weight.assign(tensor([[w1], [w2]]))
    layer.bias?.assign(tensor([b1, b2]))
    return layer.call(x.unsqueeze(1)).squeeze([1])
  }
}

/** As the courses print them; slopes of leaky ReLU are 0.1 there, 0.01 in PyTorch and Glia unless asked for. */
const GALLERY: Readonly<Record<string, Function_>> = {
  step: (x) => x.ge(0).float().add(x.mul(0)),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  ReLU: (x) => x.relu(),
  'leaky ReLU, max(0.1x, x)': (x) => x.leakyRelu(0.1),
  'PReLU, slope learnt (here 0.25)': (x) => functional.prelu(x, tensor([0.25])),
  'absolute value, max(−x, x)': (x) => x.mul(-1).maximum(x),
  'ELU, α = 1': (x) => functional.elu(x),
  'maxout of −x − 1 and x / 2': maxout([-1, 0.5], [-1, 0]),
  softplus: (x) => x.softplus(),
  GELU: (x) => x.gelu(),
  'SiLU (swish)': (x) => x.silu(),
  mish: (x) => functional.mish(x),
  'hard sigmoid': (x) => functional.hardsigmoid(x),
  'hard tanh': (x) => functional.hardtanh(x),
  'hard swish': (x) => functional.hardswish(x),
}

export const activations: Lesson = {
  name: 'activations',
  title: 'Activation functions and their slopes',
  course: 'de Mareuil; Châtel; Boudart',
  run(out) {
    const x = linspace(-6, 6, 241)
    const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

    out.check(
      'tanh x against 2σ(2x) − 1, greatest difference',
      gap(x.tanh(), x.mul(2).sigmoid().mul(2).sub(1)),
      0,
      1e-6,
    )
    const slope = slopeOf(GALLERY.sigmoid, x)
    out.check('σ′ at 0, its greatest value', slope.max().itemSync(), 0.25, 1e-7)
    out.check('σ′ = σ(1 − σ), greatest difference', gap(slope, x.sigmoid().mul(x.sigmoid().neg().add(1))), 0, 1e-6)
    out.check('tanh′ at 0, its greatest value', slopeOf(GALLERY.tanh, x).max().itemSync(), 1, 1e-6)
    const relu = numbers(slopeOf(GALLERY.ReLU, tensor([-2, -0.1, 0.1, 2])))
    out.check('ReLU′ left and right of 0', relu, [0, 0, 1, 1])
    out.check('leaky ReLU at −3 and 3', x.leakyRelu(0.1).gather(0, tensor([60, 180]).int()), [-0.3, 3], 1e-6)
    out.check('ELU at −6 (nearly −α)', functional.elu(x).select(0, 0).itemSync(), Math.exp(-6) - 1, 1e-6)
    out.check('maxout with weights 0 and 1 is ReLU', gap(maxout([0, 1])(x), x.relu()), 0)
    out.check('maxout with weights −1 and 1 is the absolute value', gap(maxout([-1, 1])(x), x.abs()), 0)
    const p = tensor([2, 1, 0.1, -1]).softmax()
    out.check('softmax sums to', p.sum().itemSync(), 1, 1e-6)
    out.check(
      'and keeps ratios: p₁ / p₂ for inputs 2 and 1',
      p.select(0, 0).div(p.select(0, 1)).itemSync(),
      Math.E,
      1e-5,
    )
    // Maas et al. 2013 have 0.1 where the library's default is 0.01.
    out.check("the library's leaky ReLU at −1, without a slope given", tensor(-1).leakyRelu().itemSync(), -0.01, 1e-9)

    out.plot('gallery', {
      title: 'Activations (solid) and their slopes',
      columns: 4,
      parts: Object.entries(GALLERY).map(([title, f]) => ({
        title,
        x: { title: 'x', domain: [-4, 4] },
        y: { title: '', domain: [-1.5, 3] },
        width: 190,
        height: 150,
        marks: [
          { mark: 'line', name: 'f(x)', x: x.dataSync(), y: f(x).dataSync() },
          { mark: 'line', name: 'f′(x)', x: x.dataSync(), y: slopeOf(f, x).dataSync(), dashed: true },
        ],
      })),
    })
  },
}
