/** @file Linear algebra: `linalg` of `glia`. */
import { eye, linalg, type Tensor } from '../../../src/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import { type AnyFunction, runFunction } from '../functions.ts'
import type { Check, Comparison, Group } from '../harness.ts'

const table = linalg as unknown as Readonly<Record<string, AnyFunction>>

const symmetric = (x: Tensor): Tensor => x.add(x.transpose()).div(2)

/** Signs of vectors are arbitrary: what does not depend on them is compared. The oracle's hooks do the same. */
const adapters: Readonly<Record<string, AnyFunction>> = {
  svd: (x) => {
    const { U, S, Vh } = linalg.svd(x as Tensor)
    return [S, U.abs(), Vh.abs(), U.mul(S.square().unsqueeze(-2)).matmul(Vh)]
  },
  eigh: (x) => {
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric(x as Tensor))
    const scaled = eigenvectors.mul(eigenvalues.exp().unsqueeze(-2))
    return [eigenvalues, eigenvectors.abs(), scaled.matmul(eigenvectors.transpose())]
  },
  eigvalsh: (x) => linalg.eigvalsh(symmetric(x as Tensor)),
  cholesky: (x, options) => {
    const a = x as Tensor
    const unit = eye(a.shape[a.rank - 1], undefined, { device: a.device })
    return linalg.cholesky(a.matmul(a.transpose()).add(unit), options as object)
  },
}

/** Runs a case with every argument passed through a function first. */
export function runThrough(check: Check, device: Device, through: (argument: unknown) => unknown): Comparison[] {
  const fn = adapters[check.item] ?? table[check.item]
  return runFunction(check, device, (...args) => fn(...args.map(through)))
}

export const group: Group = {
  name: 'linalg',
  module: 'glia linalg',
  items: () => Object.keys(table),
  run: (check, device) => runThrough(check, device, (argument) => argument),
}
