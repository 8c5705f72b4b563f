/** @file Fourier transforms of long signals, their inverses, and mistakes. */
import { describe, expect, it } from 'vitest'
import { transform } from '../../src/fft/transform.ts'
import { compile, fft, GliaError, rand, type Tensor, tensor, zeros } from '../../src/index.ts'

const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'fft',
    () => fft.fft(zeros([4])),
    /fft: takes complex numbers as pairs .*\[…, n, 2\]; received shape \[4\].*fft.complex/,
  ],
  ['fft2', () => fft.fft2(zeros([4, 2])), /fft2: .*\[…, n, m, 2\]; received shape \[4, 2\]/],
  ['fft', () => fft.fft(zeros([4, 2]), { n: 0 }), /fft: the length must be a whole number of at least 1; received 0/],
  ['fft', () => fft.fft(zeros([4, 2]), { axis: 1 }), /fft: axis 1 is out of range for a tensor of rank 1/],
  ['rfft', () => fft.rfft(zeros([])), /rfft: .*received a scalar/],
  ['irfft', () => fft.irfft(zeros([1, 2])), /irfft: the length must be a whole number of at least 1; received 0/],
  [
    'stft',
    () => fft.stft(zeros([5]), 8, { center: false }),
    /stft: a signal of shape \[5\] is shorter than a frame of 8/,
  ],
  ['stft', () => fft.stft(zeros([20]), 8, { window: zeros([9]) }), /stft: .*a window of shape \[9\]/],
  ['stft', () => fft.stft(zeros([20]), 8, { hopLength: 0 }), /stft: received frames of 8 samples every 0/],
  [
    'istft',
    () => fft.istft(zeros([4, 3, 2]), 8),
    /istft: received shape \[4, 3, 2\]; for frames of 8 .*\[…, 5, frames, 2\]/,
  ],
  ['hannWindow', () => fft.hannWindow(-1), /hannWindow: the length must be a whole number of at least 0; received -1/],
]

describe('fft', () => {
  it.each(mistakes)('%s says what is wrong (%#)', (_, act, says) => {
    expect(act).toThrow(GliaError)
    expect(act).toThrow(says)
  })

  it('agrees with the sum for every length, and inverts', () => {
    for (let n = 1; n <= 80; n++) {
      const re = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % 2001) / 1000 - 1)
      const im = Float64Array.from({ length: n }, (_, i) => ((i * 104729) % 2001) / 1000 - 1)
      const [x, y] = [re.slice(), im.slice()]
      transform(x, y, false)
      for (let j = 0; j < n; j++) {
        let [a, b] = [0, 0]
        for (let k = 0; k < n; k++) {
          const angle = (-2 * Math.PI * ((j * k) % n)) / n
          a += re[k] * Math.cos(angle) - im[k] * Math.sin(angle)
          b += re[k] * Math.sin(angle) + im[k] * Math.cos(angle)
        }
        expect(Math.hypot(x[j] - a, y[j] - b), `entry ${j} of ${n}`).toBeLessThan(1e-11 * n)
      }
      transform(x, y, true)
      for (let k = 0; k < n; k++) expect(Math.hypot(x[k] / n - re[k], y[k] / n - im[k])).toBeLessThan(1e-12)
    }
  })

  it('goes there and back in long signals, also of prime length', () => {
    for (const n of [4096, 5040, 1021, 2 * 1021]) {
      const signal = rand([n])
      expect(fft.irfft(fft.rfft(signal), { n }).allclose(signal, { atol: 1e-6 }).itemSync()).toBe(1)
    }
  })

  it('restores a signal from overlapping frames', () => {
    const signal = rand([2, 100])
    const window = fft.hannWindow(16)
    const spectra = fft.stft(signal, 16, { window, hopLength: 4 })
    expect(spectra.shape).toEqual([2, 9, 26, 2])
    const back = fft.istft(spectra, 16, { window, hopLength: 4, length: 100 })
    expect(back.allclose(signal, { atol: 1e-5 }).itemSync()).toBe(1)
  })

  it('runs in a compiled step', () => {
    const power = compile((x: Tensor) => fft.magnitude(fft.rfft(x)).square())
    expect([...power(tensor([1, 1, 1, 1])).dataSync()]).toEqual([16, 0, 0])
    expect([...power(tensor([1, -1, 1, -1])).dataSync()]).toEqual([0, 0, 16])
  })
})
