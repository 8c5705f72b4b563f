/** @file Describes a plan to a person: its kernels with their operations, the modules and lines they come from. */
import type { KernelInfo } from './schedule.ts'

export function explainPlan(name: string, kernels: readonly KernelInfo[], arenaBytes: number): string {
  const lines = [`${name}: ${kernels.length} kernels, ${(arenaBytes / 1024).toFixed(1)} KiB of temporaries`]
  let stage = -1
  for (const k of kernels) {
    const mark = k.stage === stage ? '   ' : String(k.stage).padStart(3)
    stage = k.stage
    const origin = [k.modules.join(', '), k.sites.join(', ')].filter((s) => s !== '').join('  ')
    lines.push(`${mark}  ${k.kind.padEnd(11)} [${k.shape}]  ${k.operations.join(' ')}${origin ? `  (${origin})` : ''}`)
  }
  return lines.join('\n')
}
