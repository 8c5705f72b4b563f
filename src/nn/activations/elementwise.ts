/**
 * @file The table of elementwise activations, one row each: the name of its layer, the name of its function, and its
 * formula, whose parameters after x, with their defaults, are those of both. At kinks, gradients are PyTorch's. This file
 * exports rows and nothing else.
 */
import { GliaError } from '../../core/errors.ts'
import { where } from '../../tensor/elementwise.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { activation } from './activation.ts'

/** 0 below zero, 1 above, `atZero` (default 1) at zero; gradient 0. The perceptron's step. */
export class Heaviside extends /* @__PURE__ */ activation('heaviside', (x: Tensor, atZero: number = 1) =>
  where(x.eq(0), atZero, x.sign().add(1).mul(0.5)),
) {}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends /* @__PURE__ */ activation('sigmoid', (x: Tensor) => x.sigmoid()) {}

/** Hyperbolic tangent. */
export class Tanh extends /* @__PURE__ */ activation('tanh', (x: Tensor) => x.tanh()) {}

/** |x|; gradient 0 at 0. */
export class Abs extends /* @__PURE__ */ activation('abs', (x: Tensor) => x.abs()) {}

/** max(x, 0). */
export class ReLU extends /* @__PURE__ */ activation('relu', (x: Tensor) => x.relu()) {}

/** min(max(x, 0), 6) (Howard et al. 2017). */
export class ReLU6 extends /* @__PURE__ */ activation('relu6', (x: Tensor) => within(x, 0, 6)) {}

/** x where positive, else slope · x (Maas et al. 2013); slope 0.01 by default. */
export class LeakyReLU extends /* @__PURE__ */ activation('leakyRelu', (x: Tensor, slope: number = 0.01) =>
  x.leakyRelu(slope),
) {}

/** x where positive, else α (eˣ − 1) (Clevert et al. 2015); α 1 by default. */
export class ELU extends /* @__PURE__ */ activation('elu', (x: Tensor, alpha: number = 1) => x.elu(alpha)) {}

/** λ x where positive, else λ α (eˣ − 1), with the fixed point at mean 0 and variance 1 (Klambauer et al. 2017). */
export class SELU extends /* @__PURE__ */ activation('selu', (x: Tensor) =>
  where(x.gt(0), x, negative(x).expm1().mul(1.6732632423543772)).mul(1.0507009873554805),
) {}

/** x where positive, else α (e^(x/α) − 1) (Barron 2017); α 1 by default. */
export class CELU extends /* @__PURE__ */ activation('celu', (x: Tensor, alpha: number = 1) => {
  must(alpha !== 0, 'celu', `alpha must not be 0; received ${alpha}`)
  return where(x.gt(0), x, negative(x).div(alpha).expm1().mul(alpha))
}) {}

/** x Φ(x) (Hendrycks & Gimpel 2016); `'tanh'`: x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, within 10⁻³ of it. */
export class GELU extends /* @__PURE__ */ activation('gelu', (x: Tensor, approximate: 'none' | 'tanh' = 'none') => {
  must(approximate === 'none' || approximate === 'tanh', 'gelu', `approximate: 'none' or 'tanh'; not ${approximate}`)
  if (approximate === 'none') return x.gelu()
  const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI))
  return x.mul(0.5).mul(inner.tanh().add(1))
}) {}

/** x σ(x) (Elfwing et al. 2017), also called swish. */
export class SiLU extends /* @__PURE__ */ activation('silu', (x: Tensor) => x.silu()) {}

/** x tanh(log(1 + eˣ)) (Misra 2019). */
export class Mish extends /* @__PURE__ */ activation('mish', (x: Tensor) => x.mul(x.softplus().tanh())) {}

/** log(1 + e^(βx)) / β, and x itself where βx exceeds the threshold; β 1, threshold 20 by default. */
export class Softplus extends /* @__PURE__ */ activation(
  'softplus',
  (x: Tensor, beta: number = 1, threshold: number = 20) => {
    must(beta > 0, 'softplus', `beta must be positive; received ${beta}`)
    const scaled = x.mul(beta)
    return where(scaled.gt(threshold), x, scaled.softplus().div(beta))
  },
) {}

/** x / (1 + |x|). */
export class Softsign extends /* @__PURE__ */ activation('softsign', (x: Tensor) => x.div(x.abs().add(1))) {}

/** x kept within [low, high], −1 and 1 by default; gradient 1 strictly inside, else 0. */
export class Hardtanh extends /* @__PURE__ */ activation(
  'hardtanh',
  (x: Tensor, low: number = -1, high: number = 1) => {
    must(low < high, 'hardtanh', `low must be less than high; received ${low} and ${high}`)
    return within(x, low, high)
  },
) {}

/** (x + 3) / 6 kept within [0, 1] (Courbariaux et al. 2015). */
export class Hardsigmoid extends /* @__PURE__ */ activation('hardsigmoid', (x: Tensor) =>
  within(x, -3, 3).add(3).div(6),
) {}

/** x (x + 3) / 6 between −3 and 3, 0 below, x above (Howard et al. 2019). */
export class Hardswish extends /* @__PURE__ */ activation('hardswish', (x: Tensor) =>
  where(x.lt(-3), 0, where(x.gt(3), x, x.mul(x.add(3)).div(6))),
) {}

/** log(1 / (1 + e⁻ˣ)), without overflow. */
export class LogSigmoid extends /* @__PURE__ */ activation('logsigmoid', (x: Tensor) => x.neg().softplus().neg()) {}

/** x − tanh(x). */
export class Tanhshrink extends /* @__PURE__ */ activation('tanhshrink', (x: Tensor) => x.sub(x.tanh())) {}

/** x moved by λ (default 0.5) towards 0, and 0 within λ of it. */
export class Softshrink extends /* @__PURE__ */ activation('softshrink', (x: Tensor, lambda: number = 0.5) => {
  must(lambda >= 0, 'softshrink', `lambda must not be negative; received ${lambda}`)
  return where(x.abs().le(lambda), 0, x.sub(x.sign().mul(lambda)))
}) {}

/** x, but 0 within λ (default 0.5) of 0. */
export class Hardshrink extends /* @__PURE__ */ activation('hardshrink', (x: Tensor, lambda: number = 0.5) => {
  must(lambda >= 0, 'hardshrink', `lambda must not be negative; received ${lambda}`)
  return where(x.abs().le(lambda), 0, x)
}) {}

/** x above the threshold, else `value`. */
export class Threshold extends /* @__PURE__ */ activation('threshold', (x: Tensor, threshold: number, value: number) =>
  where(x.le(threshold), value, x),
) {}

/** x between the bounds, with gradient 0 at and beyond them; NaN stays. */
function within(x: Tensor, low: number, high: number): Tensor {
  return where(x.le(low), low, where(x.ge(high), high, x))
}

/** x where not positive, else 0: exponentials of it do not overflow, not even in the gradient. */
function negative(x: Tensor): Tensor {
  return where(x.gt(0), 0, x)
}

function must(holds: boolean, operation: string, rule: string): void {
  if (!holds) throw new GliaError(`${operation}: ${rule}.`)
}
