/** @file Which classes are taken for which. */

/** `matrix[actual][predicted]`: how many examples. */
export function confusionMatrix(predicted: ArrayLike<number>, actual: ArrayLike<number>, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (let i = 0; i < actual.length; i++) matrix[actual[i]][predicted[i]]++
  return matrix
}

/** Rows are what the examples are, columns what they were taken for; the last column is the share that was right. */
export function matrixTable(matrix: readonly (readonly number[])[], classes: readonly string[]): string {
  const share = (row: readonly number[], i: number): string => {
    const total = row.reduce((a, b) => a + b, 0)
    return total === 0 ? '–' : `${((100 * row[i]) / total).toFixed(1)} %`
  }
  const cells = matrix.map((row, i) => [...row.map((n) => (n === 0 ? '·' : String(n))), share(row, i)])
  const header = [...classes, 'right']
  const widths = header.map((name, k) => Math.max(name.length, ...cells.map((row) => row[k].length)))
  const label = Math.max(...classes.map((c) => c.length), 'actual'.length)
  const line = (name: string, row: readonly string[]): string =>
    `${name.padStart(label)}  ${row.map((cell, k) => cell.padStart(widths[k])).join('  ')}`
  return [
    `${' '.repeat(label)}  taken for`,
    line('actual', header),
    ...cells.map((row, i) => line(classes[i], row)),
  ].join('\n')
}
