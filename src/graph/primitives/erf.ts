/** @file The error function in double precision. */

/** 2/√π ∫₀ˣ e^(−t²) dt, by a series of positive terms for small x, by a continued fraction for large. */
export function erf(x: number): number {
  const a = Math.abs(x)
  const density = (Math.exp(-a * a) * 2) / Math.sqrt(Math.PI)
  if (a >= 6) return Math.sign(x)
  if (a > 3) {
    let fraction = 0
    for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction)
    return Math.sign(x) * (1 - density / 2 / (a + fraction))
  }
  // e^(−x²) · (x + 2x³/3 + 4x⁵/(3·5) + …)
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return density * sum
}
