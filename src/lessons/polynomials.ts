/** @file Capacity: polynomials of rising degree on noisy points of a curve. */
import { Random } from '../data/index.ts'
import type { Chart } from './figure.ts'
import { leastSquares } from './least-squares.ts'
import type { Lesson } from './lesson.ts'
import { mean, steps } from './support.ts'

/** Points of a cubic with noise. */
function points(x: readonly number[], random: Random): { x: readonly number[]; y: number[] } {
  return { x, y: x.map((v) => truth(v) + 0.25 * random.bell()) }
}
const truth = (v: number): number => 2.5 * v ** 3 - 1.6 * v

/** 1, x, x², … as a row. */
const powers = (v: number, degree: number): number[] => Array.from({ length: degree + 1 }, (_, k) => v ** k)

export const polynomials: Lesson = {
  name: 'polynomials',
  title: 'Capacity: the degree of a polynomial, under- and overfitting',
  course: 'Boudart, after Louppe',
  run(out) {
    const random = new Random(5)
    const train = points(steps([-1, 1], 16), random)
    const test = points(
      Array.from({ length: 200 }, () => random.uniform(-1, 1)),
      random,
    )
    const degrees = Array.from({ length: 10 }, (_, i) => i + 1)
    const fits = degrees.map((degree) =>
      leastSquares(
        train.x.map((v) => powers(v, degree)),
        train.y.map((v) => [v]),
      ).map((row) => row[0]),
    )
    const predict = (w: readonly number[], v: number): number =>
      powers(v, w.length - 1).reduce((s, p, k) => s + p * w[k], 0)
    const error = (w: readonly number[], set: typeof train): number =>
      mean(set.x.map((v, i) => (predict(w, v) - set.y[i]) ** 2))
    const onTrain = fits.map((w) => error(w, train))
    const onTest = fits.map((w) => error(w, test))
    out.table(
      ['degree', 'error on 16 training points', 'on 200 points left aside'],
      degrees.map((d, i) => [d, onTrain[i], onTest[i]]),
    )

    const least = (errors: readonly number[]): number => degrees[errors.indexOf(Math.min(...errors))]
    out.check('the degree that seems best (least training error)', least(onTrain), 10)
    out.check(
      'training error falls with every degree',
      onTrain.every((e, i) => i === 0 || e < onTrain[i - 1]),
      true,
    )
    const best = least(onTest)
    out.check('the degree that is best on points left aside', best, { above: 2, below: 6 })
    out.check('there, error of degree 1 / error of the best: underfitting', onTest[0] / Math.min(...onTest), {
      above: 2,
    })
    out.check('there, error of degree 10 / error of the best: overfitting', onTest[9] / Math.min(...onTest), {
      above: 1.5,
    })

    const x = steps([-1, 1], 200)
    const fit = (degree: number, verdict: string): Chart => ({
      title: `Degree ${degree}: ${verdict}`,
      x: { title: 'x' },
      y: { title: 'y', domain: [-1.5, 1.5] },
      width: 250,
      height: 220,
      marks: [
        { mark: 'line', name: 'truth', x, y: x.map(truth), dashed: true },
        { mark: 'line', name: 'fit', x, y: x.map((v) => predict(fits[degree - 1], v)) },
        { mark: 'points', name: 'training points', x: train.x, y: train.y },
      ],
    })
    out.plot('fits', { parts: [fit(1, 'underfits'), fit(best, 'fits'), fit(10, 'overfits')] })
    out.plot('errors', {
      parts: [
        {
          title: 'Training error falls with capacity; error on points left aside turns',
          x: { title: 'degree' },
          y: { title: 'mean squared error', scale: 'log' },
          marks: [
            { mark: 'line', name: 'training points', x: degrees, y: onTrain },
            { mark: 'points', name: 'training points', x: degrees, y: onTrain },
            { mark: 'line', name: 'points left aside', x: degrees, y: onTest },
            { mark: 'points', name: 'points left aside', x: degrees, y: onTest },
          ],
        },
      ],
    })
  },
}
