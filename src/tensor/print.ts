/** @file Tensors as text and as nested arrays. */
import type { DType, TypedArray } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'

/** A number, or arrays of them nested to any depth. */
export type NestedNumbers = number | NestedNumbers[]

/** Row-major values as nested arrays. */
export function nest(values: TypedArray, shape: Shape): NestedNumbers {
  let at = 0
  const build = (axis: number): NestedNumbers => {
    if (axis === shape.length) return values[at++]
    return Array.from({ length: shape[axis] }, () => build(axis + 1))
  }
  return build(0)
}

/** Longer tensors show only the first and last `edge` entries of each axis. */
const threshold = 1000
const edge = 3

/** `tensor([1, 2.5], …)`, aligned in columns; long axes are shortened with `…`. */
export function show(values: TypedArray, shape: Shape, dtype: DType, notes = ''): string {
  const label = dtype === 'float32' || dtype === 'bool' ? '' : `, ${dtype}`
  const tail = `${label}${values.length === 0 || values.length > threshold ? `, shape [${shape.join(', ')}]` : ''}${notes})`
  if (values.length === 0) return `tensor([]${tail}`
  const shorten = values.length > threshold
  const rows = visible(shape, shorten)
  const text = formatter(
    Array.from(rows, (i) => values[i]),
    dtype,
  )
  const width = Math.max(...Array.from(rows, (i) => text(values[i]).length))
  const write = (axis: number, offset: number, stride: number, indent: string): string => {
    if (axis === shape.length) return text(values[offset]).padStart(shape.length === 0 ? 0 : width)
    const step = stride / shape[axis]
    const parts: string[] = []
    for (const i of shown(shape[axis], shorten)) {
      parts.push(i === null ? '…' : write(axis + 1, offset + i * step, step, `${indent} `))
    }
    const last = axis === shape.length - 1
    return `[${last ? wrap(parts, indent) : parts.join(`,${'\n'.repeat(shape.length - axis - 1)}${indent} `)}]`
  }
  return `tensor(${write(0, 0, values.length, '       ')}${tail}`
}

function shown(extent: number, shorten: boolean): (number | null)[] {
  if (!shorten || extent <= 2 * edge) return Array.from({ length: extent }, (_, i) => i)
  return [0, 1, 2, null, extent - 3, extent - 2, extent - 1]
}

/** Positions of the elements that are printed. */
function visible(shape: Shape, shorten: boolean): number[] {
  let positions = [0]
  for (const extent of shape) {
    const kept = shown(extent, shorten).filter((i) => i !== null)
    positions = positions.flatMap((p) => kept.map((i) => p * extent + i))
  }
  return positions
}

/** Breaks a long innermost row into lines of about 100 characters. */
function wrap(parts: readonly string[], indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const part of parts) {
    if (line !== '' && line.length + part.length > 100) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? part : `, ${part}`
  }
  lines.push(line)
  return lines.join(`,\n${indent} `)
}

/** One way to write all of the numbers: integers without decimals, otherwise four of them, or powers of ten. */
function formatter(values: readonly number[], dtype: DType): (v: number) => string {
  if (dtype === 'bool') return (v) => (v ? 'true' : 'false')
  const finite = values.filter(Number.isFinite)
  if (finite.every(Number.isInteger) && finite.every((v) => Math.abs(v) < 1e8)) return String
  const sizes = finite.filter((v) => v !== 0).map(Math.abs)
  const largest = Math.max(...sizes)
  const smallest = Math.min(...sizes)
  const scientific = largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1e5
  return (v) => (Number.isFinite(v) ? (scientific ? v.toExponential(4) : v.toFixed(4)) : String(v))
}
