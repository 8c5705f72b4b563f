/** @file How a training went, drawn. */

import type { Chart } from '../../lessons/figure.ts'
import type { EpochRecord } from '../../train/callbacks.ts'
import { draw } from './drawing.ts'

/**
 * Draws losses and metrics over the epochs as `curves.svg`.
 *
 * @param history with `kept`, the epoch whose weights were kept, where that is not the last by rule
 * @returns names of the files written
 */
export async function drawCurves(
  directory: string,
  { epochs, kept }: { readonly epochs: readonly EpochRecord[]; readonly kept?: number },
): Promise<string[]> {
  if (epochs.length < 2) return []
  const x = epochs.map((e) => e.epoch)
  const parts = Object.keys(epochs[0].train).map((name): Chart => {
    const validated = epochs.filter((e) => e.val)
    const lines = [
      { name: 'training', x, y: epochs.map((e) => e.train[name]) },
      { name: 'validation', x: validated.map((e) => e.epoch), y: validated.map((e) => e.val?.[name] ?? Number.NaN) },
    ]
    const marks = lines.filter((l) => l.x.length > 0).map((l) => ({ mark: 'line' as const, ...l }))
    const best = kept === undefined ? [] : [{ mark: 'rule' as const, name: `kept: epoch ${kept}`, x: kept }]
    return { title: name, x: { title: 'epoch' }, y: { title: name }, marks: [...marks, ...best] }
  })
  return draw(directory, 'curves', { parts, columns: Math.min(parts.length, 2) })
}
