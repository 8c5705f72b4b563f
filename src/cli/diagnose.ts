/** @file `glia diagnose`, and what `glia train` says of a run in the end. */

import { diagnose, diagnosisText, type Finding } from '../train/diagnose/index.ts'
import { loadRecord } from './run.ts'

export interface DiagnoseOptions {
  readonly json?: boolean
}

/** Says what a run's curves and layers tell. */
export async function diagnoseRun(run: string, { json }: DiagnoseOptions): Promise<void> {
  const { recipe, history } = await loadRecord(run)
  const findings = diagnose(history)
  const { length } = history.epochs
  if (json) {
    console.log(JSON.stringify({ recipe, epochs: length, findings }))
    return
  }
  console.log(`${recipe} of ${run}, ${length} ${length === 1 ? 'epoch' : 'epochs'}\n`)
  console.log(verdict(findings, length))
}

/** Epochs below which curves have no course to speak of. */
const FEW = 4

/** The findings in words. */
export function verdict(findings: readonly Finding[], epochs: number): string {
  if (findings.length > 0 || epochs >= FEW) return diagnosisText(findings)
  return `Diagnosis: ${epochs === 1 ? 'one epoch is' : `${epochs} epochs are`} too few to tell how the curves run.`
}
