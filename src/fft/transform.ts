/**
 * @file The discrete Fourier transform of one complex vector of any length, in float64: Stockham's mixed-radix algorithm,
 * and Bluestein's for lengths with a large prime factor (Van Loan, Computational Frameworks for the FFT, 1992).
 */

interface Plan {
  readonly n: number
  /** Prime factors (4 before 2), in the order of the stages. */
  readonly factors: readonly number[]
  /** e^(−2πik/n) for k = 0 … n − 1. */
  readonly cos: Float64Array
  readonly sin: Float64Array
  readonly chirp: Chirp | null
}

/** A transform of any length as a convolution whose length is a power of two. */
interface Chirp {
  readonly plan: Plan
  readonly cos: Float64Array
  readonly sin: Float64Array
  /** Transform of the filter. */
  readonly re: Float64Array
  readonly im: Float64Array
}

/** Greater prime factors cost more as a stage than a convolution does. */
const greatestRadix = 31

const plans = new Map<number, Plan>()

/** At most this many lengths are remembered. */
const maxPlans = 64

function planOf(n: number): Plan {
  const known = plans.get(n)
  if (known) return known
  const factors: number[] = []
  let rest = n
  for (const p of [4, 2, 3, 5, 7]) {
    for (; rest % p === 0; rest /= p) factors.push(p)
  }
  for (let p = 11; rest > 1; p += 2) {
    if (p * p > rest) p = rest
    for (; rest % p === 0; rest /= p) factors.push(p)
  }
  const roots = Array.from({ length: n }, (_, k) => rootOfUnity(k, n))
  const plan: Plan = {
    n,
    factors,
    cos: Float64Array.from(roots, (r) => r[0]),
    sin: Float64Array.from(roots, (r) => r[1]),
    chirp: factors.some((p) => p > greatestRadix) ? chirpOf(n) : null,
  }
  if (plans.size >= maxPlans) plans.delete(plans.keys().next().value ?? n)
  plans.set(n, plan)
  return plan
}

/** e^(−2πik/n), 0 ≤ k < n, exact at quarters of the circle. */
function rootOfUnity(k: number, n: number): [cos: number, sin: number] {
  const quarter = Math.floor((4 * k) / n)
  const angle = ((4 * k - quarter * n) / n) * (Math.PI / 2)
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  const turned: readonly [number, number][] = [
    [c, -s],
    [-s, -c],
    [-c, s],
    [s, c],
  ]
  return turned[quarter]
}

function chirpOf(n: number): Chirp {
  let length = 1
  while (length < 2 * n - 1) length *= 2
  const plan = planOf(length)
  // k² modulo 2n keeps the angles exact.
  const roots = Array.from({ length: n }, (_, k) => rootOfUnity((k * k) % (2 * n), 2 * n))
  const cos = Float64Array.from(roots, (r) => r[0])
  const sin = Float64Array.from(roots, (r) => r[1])
  const [re, im] = [new Float64Array(length), new Float64Array(length)]
  for (let k = 0; k < n; k++) {
    for (const at of k === 0 ? [0] : [k, length - k]) {
      re[at] = cos[k]
      im[at] = -sin[k]
    }
  }
  stages(plan, re, im)
  return { plan, cos, sin, re, im }
}

/** Replaces (re, im) by Σ xₖ e^(−2πijk/n), or with e^(+2πijk/n) if `inverse`; neither is divided by n. */
export function transform(re: Float64Array, im: Float64Array, inverse: boolean): void {
  const n = re.length
  if (n < 2) return
  // The inverse is the transform with real and imaginary parts exchanged, before and after.
  const [x, y] = inverse ? [im, re] : [re, im]
  const plan = planOf(n)
  if (plan.chirp) convolve(plan.chirp, x, y)
  else stages(plan, x, y)
}

function stages({ n, factors, cos, sin }: Plan, re: Float64Array, im: Float64Array): void {
  let [fromRe, fromIm] = [re, im]
  let [toRe, toIm]: [Float64Array, Float64Array] = [new Float64Array(n), new Float64Array(n)]
  const [aRe, aIm] = [new Float64Array(greatestRadix), new Float64Array(greatestRadix)]
  let stride = 1
  for (const p of factors) {
    const m = n / (stride * p)
    const root = n / p
    for (let q = 0; q < m; q++) {
      if (p === 4) {
        four(fromRe, fromIm, toRe, toIm, stride, m, q, cos, sin)
        continue
      }
      for (let k = 0; k < stride; k++) {
        for (let r = 0; r < p; r++) {
          const at = k + stride * (q + m * r)
          aRe[r] = fromRe[at]
          aIm[r] = fromIm[at]
        }
        for (let t = 0; t < p; t++) {
          let [sumRe, sumIm] = [aRe[0], aIm[0]]
          for (let r = 1; r < p; r++) {
            const w = ((r * t) % p) * root
            sumRe += aRe[r] * cos[w] - aIm[r] * sin[w]
            sumIm += aRe[r] * sin[w] + aIm[r] * cos[w]
          }
          const w = q * t * stride
          const to = k + stride * (p * q + t)
          toRe[to] = sumRe * cos[w] - sumIm * sin[w]
          toIm[to] = sumRe * sin[w] + sumIm * cos[w]
        }
      }
    }
    stride *= p
    ;[fromRe, fromIm, toRe, toIm] = [toRe, toIm, fromRe, fromIm]
  }
  if (fromRe === re) return
  re.set(fromRe)
  im.set(fromIm)
}

/** The stage of radix 4 for one q, whose roots are ±1 and ±i. */
function four(
  fromRe: Float64Array,
  fromIm: Float64Array,
  toRe: Float64Array,
  toIm: Float64Array,
  stride: number,
  m: number,
  q: number,
  cos: Float64Array,
  sin: Float64Array,
): void {
  const w = q * stride
  const [c1, s1, c2, s2, c3, s3] = [cos[w], sin[w], cos[2 * w], sin[2 * w], cos[3 * w], sin[3 * w]]
  for (let k = 0; k < stride; k++) {
    const i0 = k + stride * q
    const i1 = i0 + stride * m
    const i2 = i1 + stride * m
    const i3 = i2 + stride * m
    const evenRe = fromRe[i0] + fromRe[i2]
    const evenIm = fromIm[i0] + fromIm[i2]
    const oddRe = fromRe[i0] - fromRe[i2]
    const oddIm = fromIm[i0] - fromIm[i2]
    const sumRe = fromRe[i1] + fromRe[i3]
    const sumIm = fromIm[i1] + fromIm[i3]
    // −i (x₁ − x₃)
    const turnRe = fromIm[i1] - fromIm[i3]
    const turnIm = fromRe[i3] - fromRe[i1]
    const to = k + 4 * stride * q
    toRe[to] = evenRe + sumRe
    toIm[to] = evenIm + sumIm
    const [aRe, aIm] = [oddRe + turnRe, oddIm + turnIm]
    toRe[to + stride] = aRe * c1 - aIm * s1
    toIm[to + stride] = aRe * s1 + aIm * c1
    const [bRe, bIm] = [evenRe - sumRe, evenIm - sumIm]
    toRe[to + 2 * stride] = bRe * c2 - bIm * s2
    toIm[to + 2 * stride] = bRe * s2 + bIm * c2
    const [cRe, cIm] = [oddRe - turnRe, oddIm - turnIm]
    toRe[to + 3 * stride] = cRe * c3 - cIm * s3
    toIm[to + 3 * stride] = cRe * s3 + cIm * c3
  }
}

/** jk = (j² + k² − (j − k)²) / 2 turns the transform into a convolution with the chirp. */
function convolve(chirp: Chirp, re: Float64Array, im: Float64Array): void {
  const n = re.length
  const length = chirp.plan.n
  const [x, y] = [new Float64Array(length), new Float64Array(length)]
  for (let k = 0; k < n; k++) {
    x[k] = re[k] * chirp.cos[k] - im[k] * chirp.sin[k]
    y[k] = re[k] * chirp.sin[k] + im[k] * chirp.cos[k]
  }
  stages(chirp.plan, x, y)
  for (let k = 0; k < length; k++) {
    const [a, b] = [x[k], y[k]]
    x[k] = a * chirp.re[k] - b * chirp.im[k]
    y[k] = a * chirp.im[k] + b * chirp.re[k]
  }
  stages(chirp.plan, y, x)
  for (let k = 0; k < n; k++) {
    const [a, b] = [x[k] / length, y[k] / length]
    re[k] = a * chirp.cos[k] - b * chirp.sin[k]
    im[k] = a * chirp.sin[k] + b * chirp.cos[k]
  }
}
