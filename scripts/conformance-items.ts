/** @file The table of public items: what `test/conformance` compares each with, and how far each device is off. */
import { readdirSync } from 'node:fs'
import { type Check, type Comparison, checksOf, type Group } from '../test/conformance/harness.ts'
import { devices } from '../test/support/devices.ts'

const folder = new URL('../test/conformance/groups/', import.meta.url)

export interface ItemsTable {
  /** Lines of Markdown. */
  readonly lines: readonly string[]
  readonly items: number
  readonly problems: readonly string[]
}

/** Runs every case of every group on every device. */
export async function itemsTable(): Promise<ItemsTable> {
  const names = devices.map(([name]) => name)
  const lines = [
    `| item | module | test | oracle | cases | second | ${names.join(' | ')} |`,
    `|---|---|---|---|---|---|${names.map(() => '---|').join('')}`,
  ]
  const problems: string[] = []
  let items = 0
  for (const file of readdirSync(folder).sort()) {
    const { group } = (await import(new URL(file, folder).href)) as { readonly group: Group }
    const checks = checksOf(group.name)
    for (const item of [...group.items()].sort()) {
      items++
      const own = checks.filter((c) => c.item === item)
      if (own.length === 0) problems.push(`${group.module}: ${item} has no case`)
      else lines.push(row(group, item, own, problems))
    }
  }
  return { lines, items, problems }
}

function row(group: Group, item: string, checks: readonly Check[], problems: string[]): string {
  const worst = devices.map(([name, device]) => {
    let greatest = 0
    for (const check of checks) {
      for (const { deviation, problem } of attempt(() => group.run(check, device))) {
        greatest = Math.max(greatest, deviation)
        if (problem) problems.push(`${check.label} on ${name}: ${problem}`)
      }
    }
    return greatest === 0 ? '0' : greatest.toExponential(1)
  })
  const second = checks.filter((c) => c.case.second).length
  const test = `${group.name}.test.ts`
  return `| ${item} | ${group.module} | ${test} | ${oracleOf(checks)} | ${checks.length} | ${second} | ${worst.join(' | ')} |`
}

/** A case that throws is a problem like any other. */
function attempt(run: () => readonly Comparison[]): readonly Comparison[] {
  try {
    return run()
  } catch (error) {
    return [{ what: 'run', deviation: 0, problem: String(error) }]
  }
}

function oracleOf([{ entry, expected }]: readonly Check[]): string {
  if (entry.by) return entry.by
  if (entry.oracle === 'torch') return 'PyTorch'
  return expected ? 'composed in PyTorch' : 'composed'
}
