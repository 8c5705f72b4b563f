/** @file Rosenblatt's perceptron (1958) and its learning rule, on data that a line separates and on data that none does. */
import { compile, randn, scan, stack, type Tensor, tensor, zeros } from '../index.ts'
import type { Chart, Points } from './figure.ts'
import type { Lesson, LessonOutput } from './lesson.ts'
import { numbers, pick, steps } from './support.ts'

/**
 * One pass over the examples: `w ← w + (y − ŷ) x` after each, with ŷ = A(w · x).
 *
 * @param x `[N, 3]`, the last column 1, so that the last weight is the bias
 * @returns the weights after it, and how many examples it got wrong on the way
 */
const pass = compile((w: Tensor, x: Tensor, y: Tensor) => {
  const { carry } = scan(
    ([w, mistakes], [xi, yi]) => {
      const error = yi.sub(w.mul(xi).sum().ge(0).float())
      return { carry: [w.add(xi.mul(error)), mistakes.add(error.abs())] }
    },
    [w, zeros([])],
    [x, y],
  )
  return { w: carry[0], mistakes: carry[1] }
})

interface Learnt {
  readonly w: number[]
  /** Mistakes of each pass. */
  readonly mistakes: number[]
}

/** Passes until one is without a mistake, or `most` have been made. */
function learn(out: LessonOutput, name: string, x: Tensor, y: Tensor, most = 50): Learnt {
  let w: Tensor = zeros([3])
  const mistakes: number[] = []
  do {
    const next = pass(w, x, y)
    w = next.w
    mistakes.push(next.mistakes.itemSync())
  } while (mistakes.at(-1) !== 0 && mistakes.length < most)
  const separated = mistakes.at(-1) === 0
  out.print(
    separated
      ? `${name}: separated after ${mistakes.length} passes`
      : `${name}: no line found in ${most} passes, ${mistakes.at(-1)} mistakes in the last: these data do not look separable`,
  )
  return { w: numbers(w), mistakes }
}

/** Two clouds of 40 points, a distance of d either side of (1, 2) in both directions. */
function clouds(d: number): { x: Tensor; y: Tensor } {
  const labels = Array.from({ length: 80 }, (_, i) => i % 2)
  const y = tensor(labels)
  const noise = randn([80, 2])
  const at = noise.add(y.mul(2).sub(1).mul(d).unsqueeze(1)).add(tensor([1, 2]))
  return { x: stack([at.select(1, 0), at.select(1, 1), y.mul(0).add(1)], 1), y }
}

export const perceptron: Lesson = {
  name: 'perceptron',
  title: "Rosenblatt's rule finds a separating line if there is one",
  course: 'de Mareuil',
  run(out) {
    const far = clouds(1.9)
    const near = clouds(0.6)
    const separable = learn(out, 'Clouds apart', far.x, far.y)
    const overlapping = learn(out, 'Clouds overlapping', near.x, near.y)
    const xorX = tensor([
      [0, 0, 1],
      [0, 1, 1],
      [1, 0, 1],
      [1, 1, 1],
    ])
    const xor = learn(out, 'XOR', xorX, tensor([0, 1, 1, 0]))

    out.check('mistakes in the last pass, clouds apart', separable.mistakes.at(-1) ?? -1, 0)
    // Novikoff 1962: never more than (R / γ)² mistakes; here for the margin of the line that was found.
    const points = far.x.arraySync() as number[][]
    const sides = numbers(far.y).map((y) => 2 * y - 1)
    const margins = points.map(
      (p, i) => (sides[i] * p.reduce((s, v, k) => s + v * separable.w[k], 0)) / Math.hypot(...separable.w),
    )
    const bound = (Math.max(...points.map((p) => Math.hypot(...p))) / Math.min(...margins)) ** 2
    const total = separable.mistakes.reduce((a, b) => a + b, 0)
    out.check(`mistakes altogether, against Novikoff's bound of ${Math.round(bound)}`, total, {
      above: 0,
      below: bound,
    })
    out.check('mistakes in the last pass, clouds overlapping', overlapping.mistakes.at(-1) ?? -1, { above: 0 })
    out.check('mistakes in the last pass, XOR', xor.mistakes.at(-1) ?? -1, { above: 0 })

    const part = (title: string, x: Tensor, y: Tensor, [w1, w2, b]: readonly number[]): Chart => {
      const [all, labels] = [x.arraySync() as number[][], numbers(y)]
      const line = steps([-6, 6], 2)
      return {
        title,
        x: { title: 'x₁', domain: [-6, 6] },
        y: { title: 'x₂', domain: [-6, 6] },
        width: 280,
        marks: [
          ...[0, 1].map((label): Points => {
            const own = pick(all, labels, label)
            return { mark: 'points', name: `class ${label}`, x: own.map((p) => p[0]), y: own.map((p) => p[1]) }
          }),
          { mark: 'line', name: 'w · x = 0', x: line, y: line.map((v) => -(w1 * v + b) / w2) },
        ],
      }
    }
    out.plot('lines', {
      parts: [
        part('Separable: every point on its side', far.x, far.y, separable.w),
        part('Overlapping: where the last pass ended', near.x, near.y, overlapping.w),
      ],
    })
    const passes = (m: Learnt): number[] => m.mistakes.map((_, i) => i + 1)
    out.plot('mistakes', {
      parts: [
        {
          title: 'Mistakes per pass over the data',
          x: { title: 'pass' },
          y: { title: 'mistakes' },
          marks: [
            { mark: 'line', name: 'clouds apart', x: passes(separable), y: separable.mistakes },
            { mark: 'line', name: 'clouds overlapping', x: passes(overlapping), y: overlapping.mistakes },
            { mark: 'line', name: 'XOR', x: passes(xor), y: xor.mistakes },
          ],
        },
      ],
    })
  },
}
