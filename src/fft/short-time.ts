/** @file Spectra over time: the short-time Fourier transform and its inverse, and the windows that frames are weighted by. */
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { apply } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import { ones, type TensorOptions, tensor } from '../tensor/factories.ts'
import { type PadMode, pad } from '../tensor/pad.ts'
import { unfold } from '../tensor/rearrange.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkComplex, irfft, rfft } from './fourier.ts'

export interface WindowOptions extends TensorOptions {
  /** Whether the window is one period of a longer one, as transforms need it (default true), or symmetric. */
  readonly periodic?: boolean
}

function cosineWindow(operation: string, n: number, weights: readonly number[], options: WindowOptions): Tensor {
  if (!Number.isInteger(n) || n < 0) {
    throw new GliaError(`${operation}: the length must be a whole number of at least 0; received ${n}.`)
  }
  const { periodic = true, ...rest } = options
  const period = periodic ? n : n - 1
  const at = (i: number): number => {
    if (n === 1) return 1
    return weights.reduce((sum, w, k) => sum + (k % 2 === 0 ? w : -w) * Math.cos((2 * Math.PI * k * i) / period), 0)
  }
  return tensor(
    Float64Array.from({ length: n }, (_, i) => at(i)),
    rest,
  )
}

/** sin²(πi/n), i = 0 … n − 1: Hann's window. */
export function hannWindow(n: number, options: WindowOptions = {}): Tensor {
  return cosineWindow('hannWindow', n, [0.5, 0.5], options)
}

/** 0.54 − 0.46 cos(2πi/n): Hamming's window. */
export function hammingWindow(n: number, options: WindowOptions = {}): Tensor {
  return cosineWindow('hammingWindow', n, [0.54, 0.46], options)
}

/** 0.42 − 0.5 cos(2πi/n) + 0.08 cos(4πi/n): Blackman's window. */
export function blackmanWindow(n: number, options: WindowOptions = {}): Tensor {
  return cosineWindow('blackmanWindow', n, [0.42, 0.5, 0.08], options)
}

export interface StftOptions {
  /** Samples from one frame to the next (default: a quarter of the frame). */
  readonly hopLength?: number
  /** Weights of a frame's samples, `[m]` with m ≤ nFft, put in its middle (default: ones). */
  readonly window?: TensorBase
  /** Whether frame t is centred on sample t · hop, the signal being padded at both ends (default true). */
  readonly center?: boolean
  /** How it is padded (default `reflect`). */
  readonly padMode?: PadMode
  /** Whether spectra are divided by √nFft (default false). */
  readonly normalized?: boolean
}

/** The window as `[nFft]`. */
function frameWindow(operation: string, nFft: number, x: TensorBase, options: StftOptions): Tensor {
  const { window, hopLength = Math.floor(nFft / 4) } = options
  const length = window?.size ?? nFft
  const bad = !Number.isInteger(nFft) || nFft < 1 || !Number.isInteger(hopLength) || hopLength < 1
  if (bad || length > nFft || (window && window.rank !== 1)) {
    throw new GliaError(
      `${operation}: received frames of ${nFft} samples every ${hopLength}` +
        `${window ? ` and a window of shape ${showShape(window.shape)}` : ''}; both must be whole numbers of at least 1, the ` +
        'window a vector no longer than a frame.',
    )
  }
  if (!window) return ones([nFft], { device: x.device })
  const before = Math.floor((nFft - length) / 2)
  return pad(window, [[before, nFft - length - before]])
}

/**
 * Spectra of the frames of a signal: `[…, samples]` → complex `[…, ⌊nFft/2⌋ + 1, frames, 2]`.
 * @throws GliaError for frames or windows that do not fit
 */
export function stft(x: TensorBase, nFft: number, options: StftOptions = {}): Tensor {
  const { hopLength = Math.floor(nFft / 4), center = true, padMode = 'reflect', normalized = false } = options
  if (x.rank === 0) throw new GliaError('stft: takes signals, […, samples]; received a scalar.')
  const window = frameWindow('stft', nFft, x, options)
  const half = Math.floor(nFft / 2)
  const signal = center ? pad(x, [[half, half]], padMode) : x
  if (signal.shape[signal.rank - 1] < nFft) {
    throw new GliaError(`stft: a signal of shape ${showShape(x.shape)} is shorter than a frame of ${nFft} samples.`)
  }
  const frames = unfold(signal, -1, nFft, hopLength).mul(window)
  return rfft(frames, { norm: normalized ? 'ortho' : 'backward' }).transpose(-3, -2)
}

export interface IstftOptions extends Omit<StftOptions, 'padMode'> {
  /** Number of samples of the result (default: what the frames cover). */
  readonly length?: number
}

/**
 * The signal whose `stft` is nearest to `x` (Griffin & Lim 1984): frames weighted by the window and added, divided by the
 * sum of squared windows: complex `[…, ⌊nFft/2⌋ + 1, frames, 2]` → `[…, samples]`.
 * NaN where the squared windows add up to nothing.
 * @throws GliaError for shapes that do not fit
 */
export function istft(x: TensorBase, nFft: number, options: IstftOptions = {}): Tensor {
  checkComplex('istft', x, 2)
  const { hopLength = Math.floor(nFft / 4), center = true, normalized = false } = options
  const [bins, count] = x.shape.slice(-3)
  if (bins !== Math.floor(nFft / 2) + 1 || count === 0) {
    throw new GliaError(
      `istft: received shape ${showShape(x.shape)}; for frames of ${nFft} samples it must be ` +
        `[…, ${Math.floor(nFft / 2) + 1}, frames, 2] with at least one frame.`,
    )
  }
  const window = frameWindow('istft', nFft, x, options)
  const spectra = apply('istft', [x], (n) => n).transpose(-3, -2)
  const frames = irfft(spectra, { n: nFft, norm: normalized ? 'ortho' : 'backward' }).mul(window)
  const total = nFft + (count - 1) * hopLength
  const sum = overlap(frames, hopLength, total).div(overlap(window.square().expand([count, nFft]), hopLength, total))
  const start = center ? Math.floor(nFft / 2) : 0
  const covered = total - start
  const length = options.length ?? covered - (center ? Math.floor(nFft / 2) : 0)
  const kept = sum.narrow(-1, start, Math.min(length, covered))
  return length > covered ? pad(kept, [[0, length - covered]]) : kept
}

/** Frames `[…, count, n]` added up, each `hop` samples after the one before: `[…, total]`. */
function overlap(frames: Tensor, hop: number, total: number): Tensor {
  const [count, n] = frames.shape.slice(-2)
  return apply('istft', [frames], (f) => {
    const starts = ops.mul(ops.reshape(ops.iota(count), [count, 1]), hop)
    const at = ops.bound(ops.add(starts, ops.reshape(ops.iota(n), [1, n])), total, 'istft')
    return ops.scatterAdd(at, f, f.shape.length - 2, total)
  })
}

/** Frequencies of the entries of `fft` in cycles per sample, times 1 / `spacing`: `[n]`. */
export function fftfreq(n: number, spacing = 1, options: TensorOptions = {}): Tensor {
  const middle = Math.ceil(n / 2)
  return tensor(
    Float64Array.from({ length: n }, (_, i) => (i < middle ? i : i - n) / (n * spacing)),
    options,
  )
}

/** Frequencies of the entries of `rfft`: `[⌊n/2⌋ + 1]`. */
export function rfftfreq(n: number, spacing = 1, options: TensorOptions = {}): Tensor {
  return tensor(
    Float64Array.from({ length: Math.floor(n / 2) + 1 }, (_, i) => i / (n * spacing)),
    options,
  )
}
