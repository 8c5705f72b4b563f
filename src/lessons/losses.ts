/** @file The losses that the courses list, on small numbers and as curves. */
import { type Tensor, tensor } from '../index.ts'
import { bce, bceWithLogits, crossEntropy, huber, mae, mse, msle } from '../loss/index.ts'
import type { Lesson } from './lesson.ts'
import { steps } from './support.ts'

/** The mean of (log y − log p)², as Boudart prints it: without the 1 that libraries add. */
const msleOfSlides = (p: Tensor, y: Tensor): Tensor => mse(p.log(), y.log())

export const losses: Lesson = {
  name: 'losses',
  title: 'Losses for regression and for classification',
  course: 'Boudart; AFI',
  run(out) {
    const y = tensor([1, 2, 4])
    const p = tensor([1.5, 2, 1])
    out.check('MSE of errors 0.5, 0, −3', mse(p, y).itemSync(), 9.25 / 3, 1e-6)
    out.check("AFI's 1/(2m) Σ e², half of it", mse(p, y).div(2).itemSync(), 9.25 / 6, 1e-6)
    out.check('MAE', mae(p, y).itemSync(), 3.5 / 3, 1e-6)
    out.check('Huber, δ = 1: ½ e² up to 1, |e| − ½ beyond', huber(p, y).itemSync(), (0.125 + 0 + 2.5) / 3, 1e-6)
    const logs = (Math.log(1.5) ** 2 + Math.log(4) ** 2) / 3
    out.check('MSLE of the slides', msleOfSlides(p, y).itemSync(), logs, 1e-6)
    out.check(
      'MSLE of the library, on 1 + y',
      msle(p, y).itemSync(),
      (Math.log(2.5 / 2) ** 2 + Math.log(5 / 2) ** 2) / 3,
      1e-6,
    )
    const [under, over] = [1, 3].map((v) => msleOfSlides(tensor([v]), tensor([2])).itemSync())
    out.check('MSLE "penalises more underestimates": 1 for 2, against 3 for 2', under / over, { above: 1 })
    // One outlier among errors of 0.1: how much of the loss is its?
    const [far, near] = [tensor([10, 0.1, 0.1, 0.1]), tensor([0.1, 0.1, 0.1, 0.1])]
    const zero = tensor([0, 0, 0, 0])
    const grown = [mse, huber, mae].map((loss) => loss(far, zero).div(loss(near, zero)).itemSync())
    out.check('an outlier weighs most in MSE, least in MAE', grown[0] > grown[1] && grown[1] > grown[2], true)

    const [z, t] = [tensor([2, -1, 0.5]), tensor([1, 0, 0])]
    const sigma = [2, -1, 0.5].map((v) => 1 / (1 + Math.exp(-v)))
    const byHand = -(Math.log(sigma[0]) + Math.log(1 - sigma[1]) + Math.log(1 - sigma[2])) / 3
    out.check('BCE of sigmoid outputs', bce(z.sigmoid(), t).itemSync(), byHand, 1e-6)
    out.check('BCE with logits: the sigmoid inside', bceWithLogits(z, t).itemSync(), byHand, 1e-6)
    out.check(
      'more stable: at a logit of −200 for a 1, its loss',
      bceWithLogits(tensor([-200]), tensor([1])).itemSync(),
      200,
      1e-4,
    )
    const logits = tensor([
      [2, 1, 0, -1],
      [0, 3, 0, 0],
    ])
    const softmax = logits.softmax()
    const oneHot = tensor([
      [1, 0, 0, 0],
      [0, 0, 0, 1],
    ]) // cat; fish
    const formula = softmax.log().mul(oneHot).sum().div(-2).itemSync()
    out.check(
      'cross-entropy with one-hot labels, by the formula',
      crossEntropy(logits, tensor(Int32Array.of(0, 3))).itemSync(),
      formula,
      1e-6,
    )

    const e = steps([-3, 3], 121)
    const curve = (loss: typeof mse): number[] => e.map((v) => loss(tensor([v]), tensor([0]))).map((l) => l.itemSync())
    const q = steps([0.02, 0.98], 100)
    const ratio = steps([0.1, 4], 100)
    out.plot('curves', {
      parts: [
        {
          title: 'Regression',
          x: { title: 'error' },
          y: { title: 'loss', domain: [0, 5] },
          width: 260,
          marks: [
            { mark: 'line', name: 'squared error', x: e, y: curve(mse) },
            { mark: 'line', name: 'absolute error', x: e, y: curve(mae) },
            { mark: 'line', name: 'Huber, δ = 1', x: e, y: curve(huber) },
          ],
        },
        {
          title: 'Of logarithms: too little costs more',
          x: { title: 'prediction, for a true value of 1' },
          y: { title: 'loss', domain: [0, 5] },
          width: 260,
          marks: [
            { mark: 'line', name: 'squared logarithmic error', x: ratio, y: ratio.map((v) => Math.log(v) ** 2) },
            { mark: 'rule', name: 'true value', x: 1 },
          ],
        },
        {
          title: 'Classification',
          x: { title: 'predicted probability of class 1' },
          y: { title: 'loss', domain: [0, 5] },
          width: 260,
          marks: [
            { mark: 'line', name: 'cross-entropy, class 1', x: q, y: q.map((v) => -Math.log(v)) },
            { mark: 'line', name: 'cross-entropy, class 0', x: q, y: q.map((v) => -Math.log(1 - v)) },
          ],
        },
      ],
    })
  },
}
