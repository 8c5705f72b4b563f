/** @file Named checks for the scripts that are not run by vitest: one line each, and one line of totals at the end. */

export class Checks {
  #passed = 0
  #failed = 0

  section(title: string): void {
    console.log(`\n${title}`)
  }

  /** Runs `fn`; what it returns is printed beside the name. A failure is reported and counted, and does not end the run. */
  async check<T>(name: string, fn: () => T | Promise<T>): Promise<T | undefined> {
    const start = performance.now()
    try {
      const result = await fn()
      this.#passed++
      const figures = typeof result === 'string' && result !== '' ? `: ${result}` : ''
      console.log(`  ok    ${name}${figures} (${seconds(start)})`)
      return result
    } catch (error) {
      this.#failed++
      console.log(`  FAIL  ${name} (${seconds(start)})`)
      console.log(String(error instanceof Error ? error.message : error).replace(/^/gm, '        '))
      return undefined
    }
  }

  /** Prints the totals and sets the exit status. */
  close(): void {
    console.log(`\n${this.#passed} passed, ${this.#failed} failed`)
    if (this.#failed > 0) process.exitCode = 1
  }
}

/** @throws Error with `message` unless `condition` holds */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}
