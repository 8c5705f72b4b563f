/** @file What the layers tell: gradients that vanish or explode on their way back, units that fell silent, steps too large. */

import type { ActivationFigures, LayersRecord } from '../watch.ts'
import { figure, median } from './curves.ts'
import type { Finding } from './finding.ts'

/** A gradient this many times smaller (or larger) in the first layer than in the last ones does not arrive (or explodes). */
const VANISHED = 1e-3
const EXPLODED = 100
/** Share of a layer's units from which on their silence is worth a word. */
const SILENT = 0.5
/** Around 0.001 is what one hopes for (Karpathy 2015). */
const LARGE_UPDATE = 0.1

/** One layer's weights over the steps watched. */
interface Course {
  readonly name: string
  /** Root mean square of the gradient, median over the steps. */
  readonly gradient: number
  /** Norm of the update over that of the weights, median over the steps. */
  readonly update: number
}

/** Findings from the layers of a run, watched every so many steps. */
export function layerFindings(layers: readonly LayersRecord[]): Finding[] {
  // What comes first depends on the initial weights.
  const settled = layers.slice(Math.floor(layers.length / 3))
  if (settled.length === 0) return []
  const courses = coursesOf(settled)
  return [gradients(courses), updates(courses), ...silence(settled)].filter((f) => f !== null)
}

function coursesOf(layers: readonly LayersRecord[]): Course[] {
  return layers[0].parameters.flatMap(({ name, size }, i) => {
    // Biases and scales are too few to compare.
    if (!/weight/.test(name) || size < 2) return []
    const seen = layers.map((l) => l.parameters[i])
    const gradient = median(seen.map((p) => p.gradient / Math.sqrt(p.size)))
    return [{ name, gradient, update: median(seen.map((p) => (p.weight > 0 ? p.update / p.weight : 0))) }]
  })
}

function gradients(courses: readonly Course[]): Finding | null {
  const [first, last] = [courses[0], courses.slice(-Math.ceil(courses.length / 4))]
  const behind = median(last.map((c) => c.gradient))
  if (!first || courses.length < 3 || behind === 0) return null
  const ratio = first.gradient / behind
  const figures = `${figure(first.gradient)} in ${first.name}, ${figure(behind)} in the last (root mean square)`
  if (ratio < VANISHED) {
    return {
      case: 'vanishing gradients',
      evidence: `The gradient shrinks on its way back to the first layers: ${figures}.`,
      advice: [
        'Use ReLU or its kin in place of sigmoid and tanh; for sequences an LSTM or GRU in place of a plain RNN.',
        'Add skip connections, or normalisation between the layers.',
        'Initialise for the activation in use (heNormal for ReLU, glorotUniform for tanh).',
      ],
    }
  }
  if (ratio > EXPLODED) {
    return {
      case: 'exploding gradients',
      evidence: `The gradient grows on its way back to the first layers: ${figures}.`,
      advice: [
        'Clip the gradients (clip: { norm: 1 }).',
        'Make the initial weights smaller: initialise for the activation in use.',
        'Add normalisation between the layers, and make the learning rate smaller.',
      ],
    }
  }
  return null
}

function updates(courses: readonly Course[]): Finding | null {
  const large = courses.filter((c) => c.update > LARGE_UPDATE)
  if (large.length === 0) return null
  const list = large.map((c) => `${c.name} by ${figure(100 * c.update)} %`).join(', ')
  return {
    case: 'too large updates',
    evidence: `Single steps change a good part of the weights: ${list} of their norm. About 0.1 % is usual.`,
    advice: ['Make the learning rate smaller, by a factor of 10 to begin with, or warm it up.', 'Clip the gradients.'],
  }
}

function silence(layers: readonly LayersRecord[]): Finding[] {
  const named = layers[0].activations.map((a, i): ActivationFigures => {
    return { ...a, silent: median(layers.map((l) => l.activations[i]?.silent ?? 0)) }
  })
  const limited = (a: ActivationFigures): boolean => a.kind === 'Sigmoid' || a.kind === 'Tanh'
  const list = (of: readonly ActivationFigures[]): string =>
    of.map((a) => `${figure(100 * a.silent)} % in ${a.name || a.kind}`).join(', ')
  const silent = named.filter((a) => a.silent > SILENT)
  const [dead, saturated] = [silent.filter((a) => !limited(a)), silent.filter(limited)]
  const findings: Finding[] = []
  if (dead.length > 0) {
    findings.push({
      case: 'dead units',
      evidence: `Units put out 0 for every example of a batch, and learn nothing: ${list(dead)}.`,
      advice: [
        'Make the learning rate smaller: one large step can push units below 0 for good.',
        'Use LeakyReLU, ELU or GELU, which let a gradient through below 0.',
        'Initialise biases with 0 or a little more, and weights with heNormal; normalise the inputs.',
      ],
    })
  }
  if (saturated.length > 0) {
    findings.push({
      case: 'saturated units',
      evidence: `Values lie next to the limits of their activation, where it is flat: ${list(saturated)}.`,
      advice: [
        'Make the initial weights smaller, and bring inputs to mean 0 and standard deviation 1.',
        'Add normalisation before the activation, or use ReLU or its kin.',
        'Make the learning rate smaller.',
      ],
    })
  }
  return findings
}
