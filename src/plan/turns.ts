/** @file Whose turn it is on a device: a step that runs while the event loop goes on has the device to itself. */
import { GliaError } from '../core/errors.ts'

export class Turns {
  readonly #device: string
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()
  /** How deep the code that runs now is in calls of the step whose turn it is. */
  #inside = 0

  /** @param device name of the device, for messages */
  constructor(device: string) {
    this.#device = device
  }

  /** Whether turns that were asked for have not ended. */
  get busy(): boolean {
    return this.#waiting > 0
  }

  /** Calls `run` after all turns that were asked for before: at once if there are none. The turn ends with its promise. */
  take<T>(run: () => Promise<T>): Promise<T> {
    const free = !this.busy
    this.#waiting++
    const begun = free ? this.inside(run) : this.#last.then(() => this.inside(run))
    const ended = begun.finally(() => {
      this.#waiting--
    })
    this.#last = ended.catch(() => undefined)
    return ended
  }

  /** Calls `fn` as part of the step whose turn it is. */
  inside<T>(fn: () => T): T {
    this.#inside++
    try {
      return fn()
    } finally {
      this.#inside--
    }
  }

  /** Settles once no turn is left. */
  async idle(): Promise<void> {
    while (this.busy) await this.#last
  }

  /**
   * @param operation who wants to use the device, for the message
   * @throws GliaError while the turn is somebody else's
   */
  check(operation: string): void {
    if (!this.busy || this.#inside > 0) return
    throw new GliaError(
      `${operation}: device ${this.#device} is running a step that was started with async(). Await its promise first ` +
        '(await t.data() and await t.item() wait by themselves).',
    )
  }
}
