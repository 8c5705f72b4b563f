/** @file Reading a run's curves and layers: which of the known cases it is, how one can tell, and what to do. */

import { noGrad } from '../../autograd/mode.ts'
import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, subset } from '../../data/dataset.ts'
import { tensor } from '../../tensor/factories.ts'
import { asTarget } from '../batches.ts'
import type { History } from '../callbacks.ts'
import type { Loss } from '../evaluate.ts'
import {
  type Curves,
  levellingOff,
  overfitting,
  rising,
  stoppedEarly,
  underfitting,
  unrepresentativeTraining,
  unrepresentativeValidation,
} from './cases.ts'
import type { Finding } from './finding.ts'
import { layerFindings } from './layers.ts'

export type { Case, Finding } from './finding.ts'

/** What is diagnosed: the history that `fit` returns, or one that was saved. */
export interface Diagnosable extends Pick<History, 'epochs' | 'layers' | 'start' | 'majority'> {
  /** Least loss of a prediction that does not look at the input: see `baselineLoss`. */
  readonly baseline?: number
  /** Epoch whose weights early stopping gave back to the model. */
  readonly kept?: number
}

/** What there is to say of a run; nothing if it is as one would wish. Trends take four epochs at least. */
export function diagnose(history: Diagnosable): Finding[] {
  const { epochs, layers = [], majority } = history
  if (epochs.length === 0) return layerFindings(layers)
  const train = epochs.map((e) => e.train.loss)
  const validated = epochs.flatMap((e) => (e.val ? [e.val.loss] : []))
  const reached = epochs.at(-1)?.train.accuracy
  const curves: Curves = {
    train,
    // Of an interrupted run, the last epoch may have none.
    val: validated.length >= epochs.length - 1 ? validated : [],
    lr: epochs.map((e) => e.lr),
    start: history.start ?? train[0],
    baseline: history.baseline ?? null,
    kept: history.kept ?? null,
    accuracy: majority !== undefined && reached !== undefined ? { reached, guessing: majority } : null,
  }
  return [
    ...curveFindings({ ...curves, train: train.slice(0, curves.val.length || train.length) }),
    ...layerFindings(layers),
  ]
}

function curveFindings(curves: Curves): Finding[] {
  const up = rising(curves)
  if (up) return [up]
  const flat = underfitting(curves)
  const jumps = unrepresentativeValidation(curves)
  const found = (cases: readonly (Finding | null)[]): Finding[] => cases.filter((f) => f !== null)
  if (flat) return found([flat, stoppedEarly(curves)])
  if (jumps) return [jumps]
  // Of these, the first that fits explains the others.
  const apart = overfitting(curves) ?? levellingOff(curves) ?? unrepresentativeTraining(curves)
  return found([apart, stoppedEarly(curves)])
}

/** Examples that the baseline is computed from at most. */
const ENOUGH = 4096

/**
 * The loss of the best prediction that does not look at the input: classes by their frequency, numbers by their mean. Null
 * where the loss takes other outputs than `[B, classes]` scores or values of the target's shape.
 */
export async function baselineLoss(loss: Loss, data: ArrayDataset): Promise<number | null> {
  const length = Math.min(ENOUGH, data.length)
  const { y } = subset(
    data,
    Int32Array.from({ length }, (_, i) => i),
  )
  const target = asTarget(tensor(y.data, { shape: [length, ...y.shape] }))
  try {
    const output =
      y.data instanceof Float32Array ? target.mean(0, { keepdim: true }).expand(target.shape) : scoresOf(y.data)
    const value = await noGrad(() => loss(output, target)).item()
    return Number.isFinite(value) ? value : null
  } catch (error) {
    if (error instanceof GliaError) return null
    throw error
  }
}

/** Logarithms of the classes' frequencies, for every example. */
function scoresOf(classes: Int32Array | Uint8Array): ReturnType<typeof tensor> {
  const counts: number[] = []
  for (const c of classes) counts[c] = (counts[c] ?? 0) + 1
  const scores = Array.from(counts, (n) => Math.log((n ?? 1e-6) / classes.length))
  return tensor([scores]).expand([classes.length, scores.length])
}

/** The findings as text, a paragraph for each, lines of at most `width` characters. */
export function diagnosisText(findings: readonly Finding[], width = 100): string {
  if (findings.length === 0) return 'Nothing to object to: the curves fall, stay together and level off.'
  return findings
    .map((f) => {
      const title =
        f.case[0].toUpperCase() + f.case.slice(1) + (f.epoch === undefined ? '' : ` (from epoch ${f.epoch})`)
      const lines = [
        ...wrap(f.evidence, width - 2, '  '),
        ...f.advice.flatMap((a) => wrap(a, width - 4, '    ', '  - ')),
      ]
      return [title, ...lines].join('\n')
    })
    .join('\n\n')
}

function wrap(text: string, width: number, indent: string, first = indent): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((l, i) => (i === 0 ? first : indent) + l)
}
