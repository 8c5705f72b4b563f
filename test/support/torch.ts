/** @file Runs the cases that `scripts/fixtures/nn.py` recorded with PyTorch, on the same generated inputs. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { sizeOf } from '../../src/core/shape.ts'
import { type Tensor, tensor } from '../../src/index.ts'
import type { Device } from '../../src/plan/device.ts'

interface InputSpec {
  readonly shape: readonly number[]
  readonly scale?: number
  readonly offset?: number
  /** Integers below this. */
  readonly below?: number
}

type Numbers = readonly (number | string)[]

export interface Case {
  readonly name: string
  readonly inputs: readonly InputSpec[]
  readonly output: { readonly shape: readonly number[]; readonly data: Numbers }
  readonly grads?: readonly (Numbers | null)[]
}

export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T
}

function residue(i: number, seed: number): number {
  return (i * 7919 + seed * 104729) % 2001
}

/** The numbers that both sides use as inputs, in [−1, 1] times scale plus offset. */
export function fill(shape: readonly number[], seed: number, scale = 1, offset = 0): Float32Array {
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => (residue(i, seed) / 1000 - 1) * scale + offset)
}

export function filled(shape: readonly number[], seed: number, device: Device, scale = 1, offset = 0): Tensor {
  return tensor(fill(shape, seed, scale, offset), { shape, device })
}

function input(spec: InputSpec, seed: number, device: Device): Tensor {
  const { shape, below } = spec
  if (below === undefined) {
    const t = filled(shape, seed, device, spec.scale, spec.offset)
    t.requiresGrad = true
    return t
  }
  const values = Int32Array.from({ length: sizeOf(shape) }, (_, i) => residue(i, seed) % below)
  return tensor(values, { shape, device })
}

/** Within rtol and atol of the expected numbers, NaN and infinities alike. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: Numbers,
  what: string,
  rtol = 1e-5,
  atol = 1e-6,
): void {
  expect(actual.length, `${what}: number of values`).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    const e = Number(expected[i] === 'inf' ? Infinity : expected[i] === '-inf' ? -Infinity : expected[i])
    const a = actual[i]
    const close =
      Object.is(a, e) || Math.abs(a - e) <= atol + rtol * Math.abs(e) || (Number.isNaN(a) && Number.isNaN(e))
    if (!close) expect.fail(`${what}: element ${i} is ${a}, but PyTorch has ${e}`)
  }
}

/** Checks a case's output and gradients. */
export function runCase(c: Case, fn: (...inputs: Tensor[]) => Tensor, device: Device, rtol = 1e-5, atol = 2e-6): void {
  const inputs = c.inputs.map((spec, seed) => input(spec, seed, device))
  const output = fn(...inputs)
  expect(output.shape, `${c.name}: shape`).toEqual(c.output.shape)
  expectClose(output.dataSync(), c.output.data, `${c.name}: output`, rtol, atol)
  if (!c.grads) return
  output
    .mul(filled(output.shape, 99, device))
    .sum()
    .backward()
  inputs.forEach((t, k) => {
    const expected = c.grads?.[k]
    if (!expected) return
    expect(t.grad?.shape, `${c.name}: shape of gradient ${k}`).toEqual(t.shape)
    expectClose(t.grad?.dataSync() ?? [], expected, `${c.name}: gradient ${k}`, rtol, atol)
  })
}
