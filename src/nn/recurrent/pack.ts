/**
 * @file Sequences of different lengths: padded to one tensor, or packed, without padding, step by step. Lengths are numbers
 * rather than tensors, since shapes follow from them.
 */
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape } from '../../core/shape.ts'
import { full, tensor } from '../../tensor/factories.ts'
import { cat, stack } from '../../tensor/movement.ts'
import type { Tensor } from '../../tensor/tensor.ts'

export interface PadOptions {
  /** Whether the result is `[B, T, …]` rather than `[T, B, …]` (default false). */
  readonly batchFirst?: boolean
  /** Default 0. */
  readonly paddingValue?: number
}

/** Sequences without padding: all their first steps, then all second ones, and so on. */
export interface PackedSequence {
  /** `[Σ lengths, …]`. */
  readonly data: Tensor
  /** How many sequences have each step: never more than the one before. */
  readonly batchSizes: readonly number[]
  /** The longest sequence's number, then the next one's …; those of equal length in order. */
  readonly sortedIndices: readonly number[]
  /** Where each sequence is among the sorted ones. */
  readonly unsortedIndices: readonly number[]
}

function indexTensor(indices: readonly number[], like: Tensor): Tensor {
  return tensor(Int32Array.from(indices), { device: like.device, shape: [indices.length] })
}

/** Sequences `[Tᵢ, …]` under each other, with padding up to the longest: `[T, B, …]`, or `[B, T, …]`. */
export function padSequence(sequences: readonly Tensor[], options: PadOptions = {}): Tensor {
  const { batchFirst = false, paddingValue = 0 } = options
  checkSequences('padSequence', sequences)
  const steps = Math.max(...sequences.map((s) => s.shape[0]))
  const padded = sequences.map((s) => {
    const none = s.shape.slice(1).map(() => [0, 0] as const)
    return s.pad([[0, steps - s.shape[0]], ...none], paddingValue)
  })
  return stack(padded, batchFirst ? 0 : 1)
}

/** Undoes `padSequence`: sequence i is what `lengths[i]` steps of `[T, B, …]` (or `[B, T, …]`) hold. */
export function unpadSequence(
  padded: Tensor,
  lengths: readonly number[],
  options: Pick<PadOptions, 'batchFirst'> = {},
): Tensor[] {
  const x = options.batchFirst ? padded : padded.transpose(0, 1)
  checkLengths('unpadSequence', lengths, x.shape[1], x.shape[0], 0)
  return lengths.map((n, i) => x.select(0, i).narrow(0, 0, n))
}

/** Packs sequences `[Tᵢ, …]` in any order. */
export function packSequence(sequences: readonly Tensor[]): PackedSequence {
  return packPaddedSequence(
    padSequence(sequences),
    sequences.map((s) => s.shape[0]),
  )
}

/** Packs the first `lengths[i]` steps of sequence i of `[T, B, …]` (or `[B, T, …]`). Lengths may come in any order. */
export function packPaddedSequence(
  padded: Tensor,
  lengths: readonly number[],
  options: Pick<PadOptions, 'batchFirst'> = {},
): PackedSequence {
  if (padded.rank < 2) {
    throw new GliaError(`packPaddedSequence: needs at least two axes; received ${showShape(padded.shape)}.`)
  }
  const x = options.batchFirst ? padded.transpose(0, 1) : padded
  const [steps, batch, ...rest] = x.shape
  checkLengths('packPaddedSequence', lengths, steps, batch, 1)
  const sortedIndices = lengths.map((_, i) => i).sort((a, b) => lengths[b] - lengths[a] || a - b)
  const batchSizes = Array.from({ length: Math.max(...lengths) }, (_, t) => lengths.filter((n) => n > t).length)
  const rows = batchSizes.flatMap((n, t) => sortedIndices.slice(0, n).map((i) => t * batch + i))
  const unsortedIndices = new Array<number>(batch)
  sortedIndices.forEach((i, k) => {
    unsortedIndices[i] = k
  })
  const data = x.reshape([steps * batch, ...rest]).indexSelect(0, indexTensor(rows, x))
  return { data, batchSizes, sortedIndices, unsortedIndices }
}

/** Undoes `packPaddedSequence`: the sequences in their first order, with padding, and their lengths. */
export function padPackedSequence(
  packed: PackedSequence,
  options: PadOptions & { /** Steps to pad to (default: the longest). */ readonly totalLength?: number } = {},
): { padded: Tensor; lengths: number[] } {
  const { batchFirst = false, paddingValue = 0 } = options
  const { data, batchSizes, unsortedIndices } = packed
  const steps = options.totalLength ?? batchSizes.length
  if (!Number.isInteger(steps) || steps < batchSizes.length) {
    throw new GliaError(
      `padPackedSequence: totalLength must be at least the longest sequence's ${batchSizes.length}; received ${steps}.`,
    )
  }
  const lengths = unsortedIndices.map((k) => batchSizes.filter((n) => n > k).length)
  const begin = batchSizes.map((_, t) => batchSizes.slice(0, t).reduce((a, b) => a + b, 0))
  const padding = data.shape[0]
  const rows = Array.from({ length: steps }, (_, t) =>
    unsortedIndices.map((k) => (k < (batchSizes[t] ?? 0) ? begin[t] + k : padding)),
  )
  const rest = data.shape.slice(1)
  const filler = full([1, ...rest], paddingValue, { device: data.device, dtype: data.dtype })
  const x = cat([data, filler])
    .indexSelect(0, indexTensor(rows.flat(), data))
    .reshape([steps, unsortedIndices.length, ...rest])
  return { padded: batchFirst ? x.transpose(0, 1) : x, lengths }
}

/** The sequences of a packed one, in their first order. */
export function unpackSequence(packed: PackedSequence): Tensor[] {
  const { padded, lengths } = padPackedSequence(packed)
  return unpadSequence(padded, lengths)
}

function checkSequences(operation: string, sequences: readonly Tensor[]): void {
  const [first] = sequences
  const fits = first && sequences.every((s) => s.rank > 0 && sameShape(s.shape.slice(1), first.shape.slice(1)))
  if (fits) return
  throw new GliaError(
    `${operation}: needs sequences [T, …] that agree but in T; received ${sequences.map((s) => showShape(s.shape)).join(', ') || 'none'}.`,
  )
}

function checkLengths(
  operation: string,
  lengths: readonly number[],
  steps: number,
  batch: number,
  least: number,
): void {
  const fits = lengths.length === batch && lengths.every((n) => Number.isInteger(n) && n >= least && n <= steps)
  if (fits && batch > 0) return
  throw new GliaError(
    `${operation}: needs one length from ${least} to ${steps} for each of ${batch} sequences; received [${lengths.join(', ')}].`,
  )
}
