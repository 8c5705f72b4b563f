/** @file Checks that the shape rules share. Each throws a GliaError that says what was received, the rule and the fix. */
import type { DType } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape } from '../../core/shape.ts'
import type { Aval } from '../node.ts'

/** The dtypes that a function is defined for. */
export type Domain = 'any' | 'number' | 'wide' | 'float' | 'bits' | 'int' | 'int32' | 'bool'

const domains: Record<Domain, readonly DType[]> = {
  any: ['bool', 'uint8', 'int32', 'float32', 'float64'],
  number: ['uint8', 'int32', 'float32', 'float64'],
  wide: ['int32', 'float32', 'float64'],
  float: ['float32', 'float64'],
  bits: ['bool', 'uint8', 'int32'],
  int: ['uint8', 'int32'],
  int32: ['int32'],
  bool: ['bool'],
}

const rules: Record<Domain, readonly [takes: string, fix: string]> = {
  any: ['any dtype', ''],
  number: ['numbers', 'Cast it with int() or float() first.'],
  wide: ['int32 and floats', 'Cast it with int() or float() first.'],
  float: ['floats', 'Cast it with float() first.'],
  bits: ['bool and integers', 'Compare or cast it with int() first.'],
  int: ['integers', 'Cast it with int() first.'],
  int32: ['int32', 'Cast it with int() first.'],
  bool: ['bool', 'Compare it first, as in x.ne(0).'],
}

/** `float32 [2, 3]` */
export function show(x: Aval): string {
  return `${x.dtype} ${showShape(x.shape)}`
}

export function checkDtype(operation: string, x: Aval, domain: Domain): void {
  if (domains[domain].includes(x.dtype)) return
  const [takes, fix] = rules[domain]
  throw new GliaError(`${operation}: received ${show(x)}, but ${operation} takes ${takes}. ${fix}`)
}

export function checkSameDtype(operation: string, a: Aval, b: Aval): void {
  if (a.dtype === b.dtype) return
  throw new GliaError(
    `${operation}: received ${show(a)} and ${show(b)}, but the operands must have one dtype. Cast one of them first.`,
  )
}

export function checkSameShape(operation: string, a: Aval, b: Aval): void {
  if (a.shape === b.shape || sameShape(a.shape, b.shape)) return
  throw new GliaError(
    `${operation}: received shapes ${showShape(a.shape)} and ${showShape(b.shape)}, but the operands must have one shape. ` +
      'Broadcast them to a common shape first.',
  )
}

/** `axis` must already be counted from the front. */
export function checkAxis(operation: string, x: Aval, axis: number): void {
  if (Number.isInteger(axis) && axis >= 0 && axis < x.shape.length) return
  throw new GliaError(
    `${operation}: received axis ${axis} for a tensor of shape ${showShape(x.shape)}; an axis must be an integer of at ` +
      `least 0 and below ${x.shape.length}.`,
  )
}

export function checkAxes(operation: string, x: Aval, axes: readonly number[]): void {
  for (const axis of axes) checkAxis(operation, x, axis)
  if (new Set(axes).size === axes.length) return
  throw new GliaError(
    `${operation}: axes ${showShape(axes)} name one axis of ${showShape(x.shape)} twice. Give each once.`,
  )
}

/** Whether `list` has `count` integers, none below `least`. */
export function checkList(
  operation: string,
  name: string,
  list: readonly number[],
  count: number,
  least: number,
): void {
  if (list.length !== count) {
    throw new GliaError(
      `${operation}: ${name} ${showShape(list)} has ${list.length} entries, but there are ${count} axes. Give one for each.`,
    )
  }
  if (list.every((n) => Number.isInteger(n) && n >= least)) return
  const rule = least === anyInteger ? 'integers' : `integers of at least ${least}`
  throw new GliaError(`${operation}: received ${name} ${showShape(list)}; its entries must be ${rule}.`)
}

export const anyInteger = Number.NEGATIVE_INFINITY
