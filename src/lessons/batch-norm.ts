/** @file Standardised inputs, batch normalisation, and how much sooner a deep network learns with it. */
import { randn, tensor } from '../index.ts'
import { crossEntropy } from '../loss/index.ts'
import { BatchNorm1d, type Layer, Linear, Sequential, Sigmoid } from '../nn/index.ts'
import { SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { descend, hits } from './train.ts'
import { writtenDigits } from './written.ts'

const STEPS = 150

export const batchNorm: Lesson = {
  name: 'batch-norm',
  title: 'Batch normalisation: a deep network of sigmoids learns sooner',
  course: 'Boudart, after Ioffe and Szegedy',
  async run(out) {
    // u′ = γ (u − μ̂) / (σ̂ + ε) + β on the slides; layers divide by √(σ̂² + ε).
    const u = randn([64, 3])
      .mul(tensor([0.5, 2, 10]))
      .add(tensor([-3, 0, 7]))
    const mean = u.mean(0)
    const variance = u.var(0, { correction: 0 })
    const epsilon = 1e-5
    const slides = u.sub(mean).div(variance.sqrt().add(epsilon))
    const layer = new BatchNorm1d(3)
    const library = layer.call(u).realise()
    out.check('mean of each feature after batch norm', library.mean(0), [0, 0, 0], 1e-5)
    out.check('its standard deviation', library.var(0, { correction: 0 }).sqrt(), [1, 1, 1], 1e-4)
    out.check('1/(σ̂ + ε) against 1/√(σ̂² + ε): greatest difference', slides.sub(library).abs().max().itemSync(), {
      above: 0,
      below: 1e-4,
    })
    // A tenth of the way from (0, 1) to this batch's mean and variance; evaluation uses these instead of the batch's.
    out.check('running mean after one batch', layer.running_mean ?? [], mean.mul(0.1).arraySync() as number[], 1e-5)
    layer.eval()
    out.check(
      'evaluation does not depend on the rest of the batch',
      layer.call(u.slice(0, 1)).sub(layer.call(u).slice(0, 1)).abs().max().itemSync(),
      0,
    )

    const { train, test } = await writtenDigits(600, 300)
    const deep = (normalise: boolean): Layer => {
      const width = [784, 100, 100, 100]
      const hidden = width
        .slice(1)
        .flatMap((n, i) => [new Linear(width[i], n), ...(normalise ? [new BatchNorm1d(n)] : []), new Sigmoid()])
      return new Sequential(...hidden, new Linear(100, 10))
    }
    const run = (normalise: boolean): { losses: number[]; accuracy: number } => {
      const model = deep(normalise)
      const losses = descend(
        model,
        new SGD(model.parameters(), { lr: 0.5 }),
        (z, y) => crossEntropy(z, y),
        train.x,
        train.y,
        STEPS,
      )
      model.eval()
      return { losses, accuracy: hits(model.call(test.x), test.y) }
    }
    const [plain, normalised] = [run(false), run(true)]
    const reached = (losses: readonly number[]): string => {
      const step = losses.findIndex((l) => l < 1)
      return step < 0 ? `not in ${STEPS}` : String(step)
    }
    out.table(
      ['network', 'steps to a loss of 1', 'loss at the end', 'accuracy on new digits'],
      [
        ['without', reached(plain.losses), plain.losses[STEPS - 1], plain.accuracy],
        ['with batch norm', reached(normalised.losses), normalised.losses[STEPS - 1], normalised.accuracy],
      ],
    )
    out.check('without: loss at the end, still near ln 10 = 2.30', plain.losses[STEPS - 1], { above: 2 })
    out.check('with batch norm: loss at the end', normalised.losses[STEPS - 1], { below: 0.5 })
    out.check('with batch norm: accuracy', normalised.accuracy, { above: 0.7 })

    const at = plain.losses.map((_, i) => i)
    out.plot('losses', {
      parts: [
        {
          title: 'Three hidden layers of sigmoids on handwritten digits',
          x: { title: 'step' },
          y: { title: 'cross-entropy', domain: [0, 2.6] },
          marks: [
            { mark: 'line', name: 'without batch norm', x: at, y: plain.losses },
            { mark: 'line', name: 'with batch norm', x: at, y: normalised.losses },
            { mark: 'rule', name: 'guessing: ln 10', y: Math.log(10) },
          ],
        },
      ],
    })
  },
}
