/** @file Least squares in closed form, in float64: what gradient descent is compared with. */

/**
 * The W that minimises ‖X W − Y‖², by Householder's QR factorisation.
 *
 * @param x `[N, P]`, N ≥ P, columns linearly independent
 * @param y `[N, K]`
 * @returns `[P, K]`
 */
export function leastSquares(x: readonly (readonly number[])[], y: readonly (readonly number[])[]): number[][] {
  const [p, k] = [x[0].length, y[0].length]
  // X and Y side by side: the reflections that make X triangular are applied to both.
  const a = x.map((row, i) => [...row, ...y[i]])
  for (let c = 0; c < p; c++) {
    const norm = Math.hypot(...a.slice(c).map((row) => row[c]))
    const v = a.map((row, i) => (i < c ? 0 : row[c]))
    v[c] += Math.sign(v[c] || 1) * norm
    const squared = v.reduce((s, u) => s + u * u, 0)
    for (let j = c; j < p + k; j++) {
      const along = (2 * v.reduce((s, u, i) => s + u * a[i][j], 0)) / squared
      for (let i = c; i < a.length; i++) a[i][j] -= along * v[i]
    }
  }
  const w = Array.from({ length: p }, () => new Array<number>(k).fill(0))
  for (let i = p - 1; i >= 0; i--) {
    for (let j = 0; j < k; j++) {
      const known = a[i].slice(i + 1, p).reduce((s, r, n) => s + r * w[i + 1 + n][j], 0)
      w[i][j] = (a[i][p + j] - known) / a[i][i]
    }
  }
  return w
}
