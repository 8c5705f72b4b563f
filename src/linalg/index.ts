/**
 * @file Linear algebra on batches of matrices, `[…, m, n]`: PyTorch's `torch.linalg`. Factorisations are computed in
 * float64 on the host, between two parts of a step; gradients are compositions, so that they can be differentiated again.
 */
export { cholesky, eigh, eigvalsh, type QrOptions, qr, svd, svdvals } from './factor.ts'
export { cond, lstsq, matrixRank, pinv, type RankOptions } from './least-squares.ts'
export { type MatrixOrder, matrixNorm } from './norms.ts'
export { blockDiag, cross, dot, kron, matrixExp, matrixPower, multiDot, outer, trace } from './products.ts'
export { det, inv, slogdet, solve, solveTriangular, type TriangularOptions } from './solve.ts'
