/**
 * @file Eigenvalues and eigenvectors of symmetric float64 matrices: reduction to a tridiagonal matrix by Householder's
 * reflections, then implicit QR steps with Wilkinson's shift (Golub & Van Loan, Matrix Computations, chapter 8).
 */
import { columns, transposed, turnRows } from './orthogonal.ts'

export interface Eigen {
  /** Ascending. */
  readonly values: Float64Array
  /** `[n, n]`, as columns. */
  readonly vectors: Float64Array
  /** false for matrices with NaN or infinities. */
  readonly converged: boolean
}

/** More QR steps than this per eigenvalue mean NaN. */
const maxSteps = 60

/** Of the symmetric matrix whose lower triangle is given. */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice()
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) a[i * n + j] = a[j * n + i]
  const { q, diagonal, beside } = tridiagonal(a, n)
  // The vectors as rows, side by side in memory.
  const rows = transposed(q, n, n)
  const converged = diagonalise(diagonal, beside, rows, n) && diagonal.every(Number.isFinite)
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => diagonal[i] - diagonal[j])
  const values = Float64Array.from(order, (i) => diagonal[i])
  return { values, vectors: columns(transposed(rows, n, n), n, n, order), converged }
}

/** A = Q T Qᵀ, with T's diagonal and the elements beside it; `a` is overwritten. */
function tridiagonal(a: Float64Array, n: number): { q: Float64Array; diagonal: Float64Array; beside: Float64Array } {
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  const beside = new Float64Array(Math.max(0, n - 1))
  const [v, w] = [new Float64Array(n), new Float64Array(n)]
  for (let k = 0; k < n - 1; k++) {
    const head = a[(k + 1) * n + k]
    let square = 0
    for (let i = k + 2; i < n; i++) square += a[i * n + k] ** 2
    beside[k] = head
    if (square === 0) continue
    const length = -Math.sign(head || 1) * Math.sqrt(head * head + square)
    beside[k] = length
    // I − scale v vᵀ maps column k to (length, 0, …).
    const scale = (length - head) / length
    v.fill(0)
    v[k + 1] = 1
    for (let i = k + 2; i < n; i++) v[i] = a[i * n + k] / (head - length)
    let dot = 0
    for (let i = k + 1; i < n; i++) {
      let sum = 0
      for (let j = k + 1; j < n; j++) sum += a[i * n + j] * v[j]
      w[i] = scale * sum
      dot += w[i] * v[i]
    }
    for (let i = k + 1; i < n; i++) w[i] -= 0.5 * scale * dot * v[i]
    for (let i = k + 1; i < n; i++) {
      for (let j = k + 1; j < n; j++) a[i * n + j] -= v[i] * w[j] + w[i] * v[j]
    }
    for (let i = 0; i < n; i++) {
      let sum = 0
      for (let j = k + 1; j < n; j++) sum += q[i * n + j] * v[j]
      sum *= scale
      for (let j = k + 1; j < n; j++) q[i * n + j] -= sum * v[j]
    }
  }
  return { q, diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), beside }
}

/** Makes the elements beside the diagonal vanish; the rows turn along. false if they do not. */
function diagonalise(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): boolean {
  let steps = 0
  for (let high = n - 1; high > 0; ) {
    for (let i = 0; i < high; i++) {
      if (Math.abs(e[i]) <= Number.EPSILON * (Math.abs(d[i]) + Math.abs(d[i + 1]))) e[i] = 0
    }
    if (e[high - 1] === 0) {
      high--
      continue
    }
    if (++steps > maxSteps * n) return false
    let low = high - 1
    while (low > 0 && e[low - 1] !== 0) low--
    qrStep(d, e, rows, n, low, high)
  }
  return true
}

function qrStep(d: Float64Array, e: Float64Array, rows: Float64Array, n: number, low: number, high: number): void {
  const last = e[high - 1]
  const half = (d[high - 1] - d[high]) / 2
  const shift = d[high] - (last * last) / (half + Math.sign(half || 1) * Math.hypot(half, last))
  let x = d[low] - shift
  let z = e[low]
  for (let k = low; k < high; k++) {
    const r = Math.hypot(x, z)
    const [c, s] = r === 0 ? [1, 0] : [x / r, z / r]
    if (k > low) e[k - 1] = r
    const [p, q, f] = [d[k], d[k + 1], e[k]]
    d[k] = c * c * p + 2 * c * s * f + s * s * q
    d[k + 1] = s * s * p - 2 * c * s * f + c * c * q
    e[k] = c * s * (q - p) + (c * c - s * s) * f
    turnRows(rows, n, k, k + 1, c, -s)
    if (k === high - 1) break
    x = e[k]
    z = s * e[k + 1]
    e[k + 1] *= c
  }
}
