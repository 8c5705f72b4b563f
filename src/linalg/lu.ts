/** @file Gaussian elimination and triangular systems, in place on row-major float64 matrices. */

export interface Lu {
  /** Row i of the factors came from row `pivots[i]` of the matrix. */
  readonly pivots: Int32Array
  /** −1 for an odd permutation, else 1. */
  readonly sign: number
  /** The first column without a pivot other than 0; −1 if there is none. */
  readonly singular: number
}

/** A = P L U with partial pivoting: afterwards `a` holds U, and below its diagonal L, whose own diagonal is 1. */
export function factorLu(a: Float64Array, n: number): Lu {
  const pivots = Int32Array.from({ length: n }, (_, i) => i)
  let sign = 1
  let singular = -1
  for (let k = 0; k < n; k++) {
    let p = k
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[p * n + k])) p = i
    if (p !== k) {
      for (let j = 0; j < n; j++) {
        const t = a[k * n + j]
        a[k * n + j] = a[p * n + j]
        a[p * n + j] = t
      }
      const t = pivots[k]
      pivots[k] = pivots[p]
      pivots[p] = t
      sign = -sign
    }
    const pivot = a[k * n + k]
    if (pivot === 0) {
      if (singular < 0) singular = k
      continue
    }
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k] / pivot
      a[i * n + k] = factor
      if (factor === 0) continue
      for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j]
    }
  }
  return { pivots, sign, singular }
}

/** X of A X = B from A's factors; B is `[n, k]`. */
export function solveLu(lu: Float64Array, { pivots }: Lu, n: number, b: Float64Array, k: number): Float64Array {
  const x = new Float64Array(n * k)
  for (let i = 0; i < n; i++) x.set(b.subarray(pivots[i] * k, (pivots[i] + 1) * k), i * k)
  substitute(lu, n, x, k, { upper: false, unit: true })
  substitute(lu, n, x, k, { upper: true, unit: false })
  return x
}

/** X of T X = B in place of B, with T the upper or lower triangle of `a`; `unit`: its diagonal counts as ones. */
export function substitute(
  a: Float64Array,
  n: number,
  x: Float64Array,
  k: number,
  { upper, unit }: { readonly upper: boolean; readonly unit: boolean },
): void {
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step
    const [from, to] = upper ? [i + 1, n] : [0, i]
    for (let j = from; j < to; j++) {
      const factor = a[i * n + j]
      if (factor === 0) continue
      for (let c = 0; c < k; c++) x[i * k + c] -= factor * x[j * k + c]
    }
    if (unit) continue
    const d = a[i * n + i]
    for (let c = 0; c < k; c++) x[i * k + c] /= d
  }
}
