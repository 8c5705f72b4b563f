/** @file AFI's linear regression on two samples: cost, gradient, descent until the gradient vanishes, closed form. */
import { compile, createDeviceSync, Parameter, type Tensor, tensor } from '../index.ts'
import { SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'

const TOLERANCE = 1e-6

export const twoSamples: Lesson = {
  name: 'two-samples',
  title: 'The cost and gradient of two samples, and descent until the gradient is zero',
  course: 'AFI',
  run(out) {
    // A gradient of 10⁻⁶ needs more digits than float32 has; the reference device computes in float64.
    const options = { device: createDeviceSync('interp'), dtype: 'float64' } as const
    const x = tensor(
      [
        [1, 2, 3],
        [1, 4, 5],
      ],
      options,
    ) // the first column belongs to w₀
    const y = tensor([1.8, 3.2], options)
    const m = 2

    /** J(w) = 1/(2m) Σ (w₀ + w₁x₁ + w₂x₂ − y)². */
    const cost = (w: Tensor, x: Tensor, y: Tensor): Tensor =>
      x
        .matmul(w)
        .sub(y)
        .square()
        .sum()
        .div(2 * m)
    const w = new Parameter(tensor([0, 0, 0], options))
    const first = cost(w, x, y)
    first.backward()
    const gradient = w.grad ? numbers(w.grad) : []
    out.print('J(w₀, w₁, w₂) = 1/(2·2) [(w₀ + 2w₁ + 3w₂ − 1.8)² + (w₀ + 4w₁ + 5w₂ − 3.2)²]')
    out.check('J at w = 0', first.itemSync(), 3.37, 1e-12)
    out.check('∇J at w = 0', gradient, [-2.5, -8.2, -10.7], 1e-12)

    // The slide's derivatives, written out.
    const [e1, e2] = [0 - 1.8, 0 - 3.2]
    out.check('∇J by the slide', [(e1 + e2) / 2, (e1 * 2 + e2 * 4) / 2, (e1 * 3 + e2 * 5) / 2], gradient, 1e-12)

    out.print(
      "The slides' loop reads: while dJ/dw > tolerance. A negative slope would end it at once; the modulus is meant.",
    )
    out.check('largest component of ∇J at the start (the loop as printed would not begin)', Math.max(...gradient), {
      below: TOLERANCE,
    })
    out.print(
      'They also print w ← w − η ‖∇‖, a number where the vector ∇ belongs. One step of each from w = 0, η = 0.01:',
    )
    const norm = Math.hypot(...gradient)
    const after = (direction: readonly number[]): number =>
      cost(
        tensor(
          direction.map((d) => -0.01 * d),
          options,
        ),
        x,
        y,
      ).itemSync()
    out.check('J after w − η ‖∇‖', after([norm, norm, norm]), { above: 3.37 })
    out.check('J after w − η ∇', after(gradient), { below: 3.37 })

    const optimizer = new SGD([w], { lr: 0.06 })
    const update = compile((x: Tensor, y: Tensor): { cost: Tensor; norm: Tensor | undefined } => {
      const J = cost(w, x, y)
      optimizer.minimize(J)
      return { cost: J, norm: w.grad?.norm() }
    })
    const [costs, norms]: [number[], number[]] = [[], []]
    do {
      const { cost, norm } = update(x, y)
      costs.push(cost.itemSync())
      norms.push(norm?.itemSync() ?? 0)
    } while ((norms.at(-1) ?? 0) > TOLERANCE && norms.length < 20_000)
    out.print(`‖∇J‖ ≤ 10⁻⁶ after ${norms.length} steps at η = 0.06`)
    out.check('‖∇J‖ at the end', norms.at(-1) ?? 1, { below: TOLERANCE })

    // Two equations, three unknowns: of all exact solutions, descent from 0 finds the shortest, Xᵀ(XXᵀ)⁻¹y.
    out.check('w, against the closed form (1/30, 1/3, 11/30)', numbers(w), [1 / 30, 1 / 3, 11 / 30], 2e-5)

    const at = norms.map((_, i) => i)
    out.plot('descent', {
      parts: [
        {
          title: 'Gradient descent on two samples (η = 0.06)',
          x: { title: 'step' },
          y: { title: 'value', scale: 'log' },
          marks: [
            { mark: 'line', name: 'J(w)', x: at, y: costs },
            { mark: 'line', name: '‖∇J‖', x: at, y: norms },
            { mark: 'rule', name: 'tolerance 10⁻⁶', y: TOLERANCE },
          ],
        },
      ],
    })
  },
}
