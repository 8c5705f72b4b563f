/** @file Pausing a training from outside. */

/** Given to `fit` as `control`, halts it between two steps and lets it go on. */
export class TrainControl {
  #paused = false
  #wake: (() => void)[] = []
  readonly #listeners = new Set<(paused: boolean) => void>()

  /** Whether training halts, or will after the step at hand. */
  get paused(): boolean {
    return this.#paused
  }

  /** Halts the training after the step at hand. Its promise stays open; an abort ends it even so. */
  pause(): void {
    this.#paused = true
    for (const listener of this.#listeners) listener(true)
  }

  /** Lets it go on. */
  resume(): void {
    this.#paused = false
    for (const wake of this.#wake.splice(0)) wake()
    for (const listener of this.#listeners) listener(false)
  }

  /** Calls `listener` at every `pause` and `resume`. @returns ends that */
  onChange(listener: (paused: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
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
