/** @file Matrices that an operation is not defined for, and gradients where PyTorch has none. */
import { describe, expect, it } from 'vitest'
import { compile, eye, GliaError, grad, linalg, type Tensor, tensor, zeros } from '../../src/index.ts'
import { devices } from '../support/devices.ts'

const singular = tensor([
  [1, 2],
  [2, 4],
])
const flat = zeros([2, 3])
const rank2: (readonly [string, () => unknown, RegExp])[] = [
  ['inv of a singular matrix', () => linalg.inv(singular).dataSync(), /inv: the matrix is singular: .*column 1.*pinv/],
  ['solve', () => linalg.solve(singular, zeros([2])).dataSync(), /solve: the matrix is singular/],
  ['one of a batch', () => linalg.inv(singular.expand([3, 2, 2])).dataSync(), /inv: matrix 0 of the batch is singular/],
  [
    'cholesky',
    () => linalg.cholesky(singular.neg()).dataSync(),
    /cholesky: the matrix is not positive definite: .*order 1/,
  ],
  ['cholesky', () => linalg.cholesky(singular).dataSync(), /not positive definite: its leading minor of order 2/],
  ['lstsq', () => linalg.lstsq(singular, zeros([2])).dataSync(), /lstsq: the matrix is not of full rank.*pinv/],
  [
    'solveTriangular',
    () => linalg.solveTriangular(zeros([2, 2]), zeros([2, 1]), { upper: true }).dataSync(),
    /solveTriangular: the matrix is singular: element 0 of its diagonal is 0/,
  ],
  ['svd of NaN', () => linalg.svdvals(tensor([[Number.NaN, 1]])).dataSync(), /svd: the matrix has no decomposition/],
  [
    'eigh of infinities',
    () => linalg.eigvalsh(tensor([[Infinity]])).dataSync(),
    /eigh: the matrix has no decomposition/,
  ],
  ['pinv of NaN', () => linalg.pinv(tensor([[Number.NaN, 1]])).dataSync(), /pinv: the matrix holds NaN/],
  ['inv', () => linalg.inv(flat), /inv: takes square matrices, \[…, n, n\]; received shape \[2, 3\]/],
  ['det', () => linalg.det(zeros([2])), /det: takes square matrices.*received shape \[2\]/],
  ['qr', () => linalg.qr(zeros([2])), /qr: takes matrices, \[…, m, n\]; received shape \[2\]/],
  ['solve', () => linalg.solve(singular, zeros([3, 1])), /solve: received matrices of shape \[2, 2\].*as many rows/],
  ['solve', () => linalg.solve(zeros([2, 2, 2]), zeros([3, 2, 1])), /solve: shapes \[2\] and \[3\] do not broadcast/],
  ['dot', () => linalg.dot(zeros([2]), zeros([3])), /dot: the vectors have 2 and 3 elements/],
  ['outer', () => linalg.outer(flat, zeros([3])), /outer: takes vectors; received shape \[2, 3\]/],
  ['cross', () => linalg.cross(zeros([2]), zeros([2])), /cross: axis -1 must have 3 entries/],
  [
    'matrixPower',
    () => linalg.matrixPower(singular, 0.5),
    /matrixPower: the exponent must be a whole number; received 0.5/,
  ],
  ['matrixNorm', () => linalg.matrixNorm(flat, 3), /matrixNorm: the order must be .*; received 3/],
  ['multiDot', () => linalg.multiDot(flat), /multiDot: needs at least two tensors; received 1/],
  ['multiDot', () => linalg.multiDot(flat, zeros([3]), flat), /multiDot: takes matrices, and vectors at the ends/],
  ['trace', () => linalg.trace(zeros([2])), /trace: takes matrices/],
]

describe('linalg', () => {
  it.each(rank2)('refuses %s', (_, act, says) => {
    expect(act).toThrow(GliaError)
    expect(act).toThrow(says)
  })

  it.each(devices)('has the cofactors as gradient of the determinant of a singular matrix, on %s', (_, device) => {
    const a = singular.to(device)
    a.requiresGrad = true
    expect(linalg.det(a).itemSync()).toBeCloseTo(0)
    const [g] = grad(linalg.det(a), [a])
    const wanted = [4, -2, -2, 1]
    g.dataSync().forEach((v, i) => {
      expect(v).toBeCloseTo(wanted[i], 5)
    })
  })

  it.each(devices)('runs in a compiled step, which a singular matrix leaves unchanged, on %s', (_, device) => {
    const step = compile((a: Tensor, b: Tensor) => linalg.solve(a, b))
    const b = tensor([2, 4], { device })
    expect([...step(eye(2, 2, { device }).mul(2), b).dataSync()]).toEqual([1, 2])
    expect(() => step(singular.to(device), b).dataSync()).toThrow(/solve: the matrix is singular/)
    expect([...step(eye(2, 2, { device }), b).dataSync()]).toEqual([2, 4])
  })

  it('refuses the gradient of complete factors of tall matrices', () => {
    const a = tensor([[1], [2]], { requiresGrad: true })
    const { Q } = linalg.qr(a, { mode: 'complete' })
    expect(Q.shape).toEqual([2, 2])
    expect(() => grad(Q.sum(), [a])).toThrow(/qr: complete factors of 2 × 1 matrices have no gradient/)
  })

  it('decomposes matrices of low rank with orthonormal factors', () => {
    const a = tensor([
      [1, 2, 3],
      [2, 4, 6],
      [0, 0, 0],
    ])
    const { U, S, Vh } = linalg.svd(a)
    expect(U.transpose().matmul(U).allclose(eye(3), { atol: 1e-6 }).itemSync()).toBe(1)
    expect(Vh.matmul(Vh.transpose()).allclose(eye(3), { atol: 1e-6 }).itemSync()).toBe(1)
    expect(U.mul(S).matmul(Vh).allclose(a, { atol: 1e-5 }).itemSync()).toBe(1)
    expect(S.dataSync()[1]).toBeCloseTo(0, 6)
    expect(linalg.matrixRank(a).itemSync()).toBe(1)
  })

  it('finds eigenvalues and singular values of larger matrices', () => {
    const n = 40
    const values = Float32Array.from({ length: n * n }, (_, i) => ((i * 7919) % 2003) / 1000 - 1)
    const a = tensor(values, { shape: [n, n] })
    const symmetric = a.add(a.transpose())
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric)
    const back = eigenvectors.mul(eigenvalues).matmul(eigenvectors.transpose())
    expect(back.allclose(symmetric, { atol: 1e-4 }).itemSync()).toBe(1)
    const { U, S, Vh } = linalg.svd(a)
    expect(U.mul(S).matmul(Vh).allclose(a, { atol: 1e-4 }).itemSync()).toBe(1)
  })
})
