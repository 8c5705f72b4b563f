/** @file Pausing a training from outside. */

/** Given to `fit` as `control`, halts it between two steps and lets it go on. */
export class TrainControl {
  #paused = false
  #wake: (() => void)[] = []

  /** Whether training halts, or will after the step at hand. */
  get paused(): boolean {
    return this.#paused
  }

  /** Halts the training after the step at hand. Its promise stays open; an abort ends it even so. */
  pause(): void {
    this.#paused = true
  }

  /** Lets it go on. */
  resume(): void {
    this.#paused = false
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Used by `fit`: undefined if nothing holds it up, else a promise for when it may go on, or was aborted. */
  waiting(signal?: AbortSignal): Promise<void> | undefined {
    if (!this.#paused || signal?.aborted) return undefined
    return new Promise((resolve) => {
      const go = (): void => {
        signal?.removeEventListener('abort', go)
        resolve()
      }
      this.#wake.push(go)
      signal?.addEventListener('abort', go)
    })
  }
}
