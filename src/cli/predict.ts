/** @file `glia predict`. */

import type { Column } from '../data/dataset.ts'
import type { AskOptions } from '../recipes/files/task.ts'
import { predict } from '../train/evaluate.ts'
import { useDevice } from './device.ts'
import { readInputs } from './inputs.ts'
import { checkClasses, loadRecord, loadRun } from './run.ts'

export interface PredictOptions extends AskOptions {
  /** For models trained on files: where to save. */
  readonly out?: string
  readonly limit?: number
  readonly json?: boolean
}

const BAR = 30

/** Classifies the picture or pictures of a file; models trained on users' files take files of the same kind. */
export async function predictFile(run: string, file: string, options: PredictOptions): Promise<void> {
  // A thread more would take longer to start than it saves.
  await useDevice({ threads: 1 })
  const known = await loadRecord(run)
  if (known.files) return (await import('./files/use.ts')).predictFromFile(run, known, file, options)
  const { model, recipe, record } = await loadRun(run)
  const { classes } = record
  const fit = classes.every((name) => /^\d$/.test(name))
  const x = await readInputs(file, { shape: recipe.inputShape, fit, ...options })
  const outputs = await predict(model, x)
  checkClasses(run, record, outputs)
  const logits = await outputs.data()
  const count = countOf(x)
  for (let i = 0; i < count; i++) {
    const probabilities = softmax(logits.subarray(i * classes.length, (i + 1) * classes.length))
    const ranked = classes
      .map((name, c) => ({ class: name, probability: probabilities[c] }))
      .sort((a, b) => b.probability - a.probability)
    if (options.json) console.log(JSON.stringify({ file, index: i, class: ranked[0].class, probabilities: ranked }))
    else if (count > 1) console.log(`${String(i).padStart(String(count - 1).length)}  ${row(ranked[0], 0, false)}`)
    else console.log(table(ranked))
  }
}

/** eˣ / Σ eˣ: for ten numbers here rather than by one more compiled plan. */
function softmax(logits: ArrayLike<number>): number[] {
  const list = Array.from(logits)
  const greatest = Math.max(...list)
  const powers = list.map((x) => Math.exp(x - greatest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((p) => p / sum)
}

interface Ranked {
  readonly class: string
  readonly probability: number
}

function table(ranked: readonly Ranked[]): string {
  const width = Math.max(...ranked.map((r) => r.class.length))
  return ranked.map((r) => row(r, width, true)).join('\n')
}

/** `7   99.81 %  ███████████████`. */
function row({ class: name, probability }: Ranked, width: number, bar: boolean): string {
  const percent = `${(100 * probability).toFixed(2)} %`.padStart(8)
  const drawn = bar ? '█'.repeat(Math.round(BAR * probability)) : ''
  return `${name.padEnd(width)}  ${percent}  ${drawn}`.trimEnd()
}

function countOf({ data, shape }: Column): number {
  return data.length / shape.reduce((a, b) => a * b, 1)
}
