/** @file `glia diagnose`. */

import { diagnose, diagnosisText } from '../train/diagnose/index.ts'
import { loadRecord } from './run.ts'

export interface DiagnoseOptions {
  readonly json?: boolean
}

/** Says what a run's curves and layers tell. */
export async function diagnoseRun(run: string, { json }: DiagnoseOptions): Promise<void> {
  const { recipe, history } = await loadRecord(run)
  const findings = diagnose(history)
  if (json) {
    console.log(JSON.stringify({ recipe, epochs: history.epochs.length, findings }))
    return
  }
  const { length } = history.epochs
  console.log(`${recipe} of ${run}, ${length} ${length === 1 ? 'epoch' : 'epochs'}\n`)
  console.log(diagnosisText(findings))
}
