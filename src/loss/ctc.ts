/** @file Connectionist temporal classification: a sequence's labels without their positions. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { where } from '../tensor/elementwise.ts'
import { arange, full, tensor } from '../tensor/factories.ts'
import { cat, stack } from '../tensor/movement.ts'
import { scan } from '../tensor/scan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type LossOptions, reduced, strictIndices } from './reduction.ts'

export interface CtcOptions extends LossOptions {
  /** The class that stands for no label (default 0). */
  readonly blank?: number
  /** Whether a target too long for its input counts as 0 instead of infinity (default false). */
  readonly zeroInfinity?: boolean
}

/** Lengths: numbers, or int32 `[N]` (`[]` for a single example). */
export type Lengths = Tensor | readonly number[] | number

/** log 0 as far as float32 sums are concerned: finite, so that differences of two are numbers. */
const never = -1e30

/**
 * CTC loss (Graves et al. 2006): −log of the summed probability of all paths which, with repetitions merged and blanks
 * dropped, spell the target. The mean divides each loss by its target's length first, as PyTorch does.
 *
 * The forward variables run as one loop over time, in logarithms; gradients are those of that loop.
 *
 * @param logProbabilities `[T, N, C]` (or `[T, C]`), from `logSoftmax`
 * @param targets int32 `[N, S]`, padded with anything (`[S]` for a single example), or `[ΣS]` one after the other,
 *   with `targetLengths` as numbers
 * @param inputLengths how many of the T steps count, for each example
 * @param targetLengths how many of the S labels count, for each example
 * @returns one number, or `[N]` (`[]`) with `reduction: 'none'`; infinite where the target does not fit into the input
 */
export function ctc(
  logProbabilities: Tensor,
  targets: Tensor,
  inputLengths: Lengths,
  targetLengths: Lengths,
  options: CtcOptions = {},
): Tensor {
  const { blank = 0, zeroInfinity = false, reduction = 'mean' } = options
  const single = logProbabilities.rank === 2
  const x = single ? logProbabilities.unsqueeze(1) : logProbabilities
  if (x.rank !== 3 || x.shape[0] === 0 || x.shape[1] === 0) {
    throw new GliaError(
      `ctc: log-probabilities must be [T, N, C] or [T, C], neither T nor N 0; received ${showShape(logProbabilities.shape)}.`,
    )
  }
  const [steps, batch, classes] = x.shape
  checkNumber('ctc', 'blank', blank, { min: 0, max: classes - 1, whole: true })
  const given = padded(targets, targetLengths, batch, single)
  const most = given.shape[1]
  const inputs = lengthsOf('inputLengths', inputLengths, batch, steps, x)
  const counts = lengthsOf('targetLengths', targetLengths, batch, most, x)
  const padding = arange(most, undefined, 1, { device: x.device }).ge(counts.unsqueeze(1))
  const labels = strictIndices('ctc', where(padding, blank, given), classes)

  // Labels with blanks around each: [N, 2S + 1].
  const gaps = labels.mul(0).add(blank)
  const states = cat([stack([gaps, labels], 2).reshape([batch, 2 * most]), full([batch, 1], blank, like(labels))], 1)
  const width = 2 * most + 1
  const spoken = x.gather(2, states.unsqueeze(0).expand([steps, batch, width]))
  // Between different labels the blank may be skipped.
  const skips = states.ne(blank).and(states.ne(shifted(states, 2, blank)))
  const place = arange(width, undefined, 1, { device: x.device })
  const first = where(place.lt(counts.gt(0).int().add(1).unsqueeze(1)), spoken.select(0, 0), never)
  const { carry } = scan(
    ([alpha], [said, t]) => {
      const paths = [alpha, shifted(alpha, 1, never), where(skips, shifted(alpha, 2, never), never)]
      const next = stack(paths, 2).logsumexp(2).add(said)
      return { carry: [where(t.lt(inputs).unsqueeze(1), next, alpha)] }
    },
    [first],
    [spoken.slice(1), arange(1, steps, 1, { device: x.device })],
  )
  const end = counts.mul(2).unsqueeze(1)
  const ends = place.eq(end).or(place.eq(end.sub(1)))
  const loss = where(ends, carry[0], never).logsumexp(1).neg()
  const impossible = loss.ge(-never / 2).or(inputs.eq(0))
  const losses = where(impossible, where(inputs.eq(0).and(counts.eq(0)), 0, zeroInfinity ? 0 : Infinity), loss)
  if (reduction === 'mean') return reduced(losses.div(counts.maximum(1)), 'mean')
  return reduced(single ? losses.squeeze(0) : losses, reduction)
}

/** Entries moved up by `by` along the last axis of `[N, L]`. */
function shifted(x: Tensor, by: number, fill: number): Tensor {
  const length = x.shape[1]
  if (length <= by) return full(x.shape, fill, like(x))
  return cat([full([x.shape[0], by], fill, like(x)), x.narrow(1, 0, length - by)], 1)
}

function like(x: Tensor): Pick<Tensor, 'device' | 'dtype'> {
  return { device: x.device, dtype: x.dtype }
}

/** int32 `[N]`. @throws GliaError if the count is wrong or (when computed, for tensors) a length is not in [0, most] */
function lengthsOf(name: string, lengths: Lengths, batch: number, most: number, x: Tensor): Tensor {
  if (typeof lengths === 'number') return lengthsOf(name, [lengths], batch, most, x)
  if (Array.isArray(lengths)) {
    for (const n of lengths as readonly number[]) checkNumber('ctc', name, n, { min: 0, max: most, whole: true })
    return lengthsOf(name, tensor(lengths as number[], { dtype: 'int32', device: x.device }), batch, most, x)
  }
  const given = lengths as Tensor
  const flat = given.rank === 0 ? given.reshape([1]) : given
  if (!sameShape(flat.shape, [batch])) {
    throw new GliaError(`ctc: ${name} must be one for each of ${batch} examples; received ${showShape(given.shape)}.`)
  }
  return strictIndices('ctc', flat, most + 1)
}

/** Targets as `[N, S]`. */
function padded(targets: Tensor, lengths: Lengths, batch: number, single: boolean): Tensor {
  if (targets.rank === 2 && targets.shape[0] === batch) return targets
  if (targets.rank === 1 && single) return targets.unsqueeze(0)
  const counts = Array.isArray(lengths) ? (lengths as readonly number[]) : null
  if (targets.rank !== 1 || !counts || counts.length !== batch || counts.reduce((a, n) => a + n, 0) !== targets.size) {
    throw new GliaError(
      `ctc: targets must be [${batch}, S], or [ΣS] with targetLengths as an array of numbers that add up to it; received ` +
        `${showShape(targets.shape)}.`,
    )
  }
  const most = Math.max(...counts)
  let start = 0
  return stack(
    counts.map((n) => {
      start += n
      return targets.narrow(0, start - n, n).pad([[0, most - n]])
    }),
  )
}
