/**
 * @file Orthogonal factorisations of row-major float64 matrices: QR by Householder's reflections, and singular values by
 * Jacobi's rotations (Golub & Van Loan, Matrix Computations, chapters 5 and 8), which find small ones to their own last
 * digits.
 */

/**
 * A `[m, n]` = Q R with Q `[m, columns]` orthonormal and R `[columns, n]` upper triangular, for columns = min(m, n) or m. The
 * signs are LAPACK's.
 */
export function factorQr(
  matrix: Float64Array,
  m: number,
  n: number,
  columns: number,
): { q: Float64Array; r: Float64Array } {
  const a = matrix.slice()
  const steps = Math.min(m, n)
  const scales = new Float64Array(steps)
  for (let k = 0; k < steps; k++) {
    let square = 0
    for (let i = k + 1; i < m; i++) square += a[i * n + k] ** 2
    if (square === 0) continue
    const head = a[k * n + k]
    const beta = -Math.sign(head || 1) * Math.sqrt(head * head + square)
    scales[k] = (beta - head) / beta
    for (let i = k + 1; i < m; i++) a[i * n + k] /= head - beta
    a[k * n + k] = beta
    for (let j = k + 1; j < n; j++) reflect(a, n, k, m, scales[k], a, n, j)
  }
  const q = new Float64Array(m * columns)
  for (let i = 0; i < Math.min(m, columns); i++) q[i * columns + i] = 1
  for (let k = steps - 1; k >= 0; k--) {
    for (let j = k; j < columns; j++) reflect(a, n, k, m, scales[k], q, columns, j)
  }
  const r = new Float64Array(columns * n)
  for (let i = 0; i < Math.min(columns, m); i++) for (let j = i; j < n; j++) r[i * n + j] = a[i * n + j]
  return { q, r }
}

/** Column `j` of `x` reflected by the vector (1, a[k+1.., k]). */
function reflect(
  a: Float64Array,
  n: number,
  k: number,
  m: number,
  scale: number,
  x: Float64Array,
  width: number,
  j: number,
): void {
  if (scale === 0) return
  let dot = x[k * width + j]
  for (let i = k + 1; i < m; i++) dot += a[i * n + k] * x[i * width + j]
  dot *= scale
  x[k * width + j] -= dot
  for (let i = k + 1; i < m; i++) x[i * width + j] -= dot * a[i * n + k]
}

/** Quadratic convergence needs fewer than ten rounds; more means NaN. */
const maxSweeps = 60

/** Sine and cosine of the rotation that makes an off-diagonal element vanish; `half` is cot of twice the angle. */
function rotation(half: number): { c: number; s: number; t: number } {
  const t = Math.abs(half) > 1e150 ? 0.5 / half : Math.sign(half || 1) / (Math.abs(half) + Math.sqrt(half * half + 1))
  const c = 1 / Math.sqrt(t * t + 1)
  return { c, s: t * c, t }
}

/** The columns of `x` `[m, n]` in the order given. */
export function columns(x: Float64Array, m: number, n: number, order: readonly number[]): Float64Array {
  const out = new Float64Array(m * order.length)
  for (let i = 0; i < m; i++) for (let k = 0; k < order.length; k++) out[i * order.length + k] = x[i * n + order[k]]
  return out
}

export interface Svd {
  /** `[m, k]`, orthonormal columns. */
  readonly u: Float64Array
  /** `[k]`, descending. */
  readonly s: Float64Array
  /** `[n, k]`, orthonormal columns. */
  readonly v: Float64Array
  readonly converged: boolean
}

/** A `[m, n]` = U diag(S) Vᵀ with k = min(m, n), by one-sided rotations that make the columns of A orthogonal. */
export function factorSvd(matrix: Float64Array, m: number, n: number): Svd {
  if (m < n) {
    const { u, s, v, converged } = factorSvd(transposed(matrix, m, n), n, m)
    return { u: v, s, v: u, converged }
  }
  // R has the singular values of A and fewer rows. Its rows need fewer rotations than its columns (Drmač & Veselić 2008).
  const { q, r } = factorQr(matrix, m, n, n)
  const rows = r.slice()
  const turns = new Float64Array(n * n)
  for (let i = 0; i < n; i++) turns[i * n + i] = 1
  const squares = new Float64Array(n)
  let converged = false
  for (let sweep = 0; sweep < maxSweeps && !converged; sweep++) {
    for (let i = 0; i < n; i++) squares[i] = dotRows(rows, n, i, i)
    converged = true
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) if (rotateRows(rows, turns, squares, n, i, j)) converged = false
    }
  }
  const norms = Float64Array.from(squares, (_, i) => Math.sqrt(dotRows(rows, n, i, i)))
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => norms[j] - norms[i])
  const s = Float64Array.from(order, (i) => norms[i])
  // Rows of R are now σᵢ vᵢ, and the turns are the left singular vectors of R.
  const v = columns(transposed(rows, n, n), n, n, order)
  const w = columns(transposed(turns, n, n), n, n, order)
  const negligible = (s[0] ?? 0) * 1e-300
  const rank = s.filter((x) => x > negligible).length
  for (let j = 0; j < rank; j++) for (let i = 0; i < n; i++) v[i * n + j] /= s[j]
  complete(v, n, n, rank)
  const u = new Float64Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < n; l++) for (let j = 0; j < n; j++) u[i * n + j] += q[i * n + l] * w[l * n + j]
  }
  return { u, s, v, converged: converged && s.every(Number.isFinite) }
}

function dotRows(x: Float64Array, n: number, i: number, j: number): number {
  let dot = 0
  for (let k = i * n, l = j * n; k < (i + 1) * n; k++, l++) dot += x[k] * x[l]
  return dot
}

/** Makes rows i and j orthogonal, with their `squares` kept up to date (to rounding errors, until the next sweep); false if they were. */
function rotateRows(
  rows: Float64Array,
  turns: Float64Array,
  squares: Float64Array,
  n: number,
  i: number,
  j: number,
): boolean {
  const gamma = dotRows(rows, n, i, j)
  const [alpha, beta] = [squares[i], squares[j]]
  if (!(Math.abs(gamma) > Math.max(1e-15, n * Number.EPSILON) * Math.sqrt(alpha * beta))) return false
  const { c, s, t } = rotation((beta - alpha) / (2 * gamma))
  turnRows(rows, n, i, j, c, s)
  turnRows(turns, n, i, j, c, s)
  squares[i] = Math.max(0, alpha - t * gamma)
  squares[j] = beta + t * gamma
  return true
}

/** Rows i and j become c·i − s·j and s·i + c·j. */
export function turnRows(x: Float64Array, n: number, i: number, j: number, c: number, s: number): void {
  for (let k = i * n, l = j * n; k < (i + 1) * n; k++, l++) {
    const [p, q] = [x[k], x[l]]
    x[k] = c * p - s * q
    x[l] = s * p + c * q
  }
}

/** Fills the columns of `x` `[m, n]` from `known` on so that all are orthonormal. */
export function complete(x: Float64Array, m: number, n: number, known: number): void {
  let axis = 0
  for (let j = known; j < n; j++) {
    for (; axis < m; axis++) {
      const candidate = new Float64Array(m)
      candidate[axis] = 1
      // Twice, because once leaves rounding errors.
      for (let pass = 0; pass < 2; pass++) {
        for (let k = 0; k < j; k++) {
          let dot = 0
          for (let i = 0; i < m; i++) dot += x[i * n + k] * candidate[i]
          for (let i = 0; i < m; i++) candidate[i] -= dot * x[i * n + k]
        }
      }
      const length = Math.sqrt(candidate.reduce((s, c) => s + c * c, 0))
      if (length < 0.5 / Math.sqrt(m)) continue
      for (let i = 0; i < m; i++) x[i * n + j] = candidate[i] / length
      axis++
      break
    }
  }
}

export function transposed(a: Float64Array, m: number, n: number): Float64Array {
  const out = new Float64Array(m * n)
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[j * m + i] = a[i * n + j]
  return out
}
