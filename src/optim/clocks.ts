/**
 * @file How many steps each parameter has taken. Parameters that have always been updated together share one count; one
 * that sits a step out (frozen, or without a gradient) gets a count of its own from then on, as in PyTorch.
 */
import type { Node } from '../graph/node.ts'
import { activeTrace, guard, type Trace } from '../graph/trace.ts'
import type { Buffer, Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { cellOf, numberIn } from './cells.ts'

interface Clock {
  readonly members: readonly Parameter[]
  /** Steps so far, int32 `[]`. */
  readonly steps: Buffer
  /** The recording in which it was counted last, and how often. */
  trace: Trace | null
  ticks: number
}

export class Clocks {
  /** Replaced as a whole, so that recordings can tell whether they still hold. */
  #clocks: readonly Clock[]

  constructor(params: readonly Parameter[]) {
    const devices = new Set(params.map((p) => p.device))
    this.#clocks = [...devices].map((device) =>
      clockOf(
        params.filter((p) => p.device === device),
        0,
      ),
    )
  }

  /**
   * Counts a step of the parameters in `active`.
   * @returns the count of each, float32 `[]`, 1 in its first step; and the cells' new values
   */
  tick(active: ReadonlySet<Parameter>): { stepOf: Map<Parameter, Tensor>; updates: Map<Buffer, Node> } {
    this.#clocks = this.#separated(active)
    guard(() => this.#clocks, 'parameters that were updated together no longer are')
    const stepOf = new Map<Parameter, Tensor>()
    const updates = new Map<Buffer, Node>()
    for (const clock of this.#clocks) {
      if (!clock.members.some((p) => active.has(p))) continue
      const steps = clock.steps.add(1)
      updates.set(clock.steps, steps.node)
      clock.ticks = ticksIn(clock, activeTrace()) + 1
      clock.trace = activeTrace()
      const count = steps.float()
      for (const p of clock.members) stepOf.set(p, count)
    }
    return { stepOf, updates }
  }

  /** The clocks with those divided of which only some members are active; the same array if there are none. */
  #separated(active: ReadonlySet<Parameter>): readonly Clock[] {
    const divided = this.#clocks.flatMap((clock) => {
      const moving = clock.members.filter((p) => active.has(p))
      if (moving.length === 0 || moving.length === clock.members.length) return [clock]
      const resting = clock.members.filter((p) => !active.has(p))
      const rest = clockOf(resting, numberIn(clock.steps))
      const ticks = ticksIn(clock, activeTrace())
      if (ticks > 0) {
        // Counted earlier in this recording, when they still moved.
        rest.steps.cell.assign(rest.steps.add(ticks).node)
        rest.trace = clock.trace
        rest.ticks = ticks
      }
      return [{ ...clock, members: moving }, rest]
    })
    return divided.length === this.#clocks.length ? this.#clocks : divided
  }

  /** Steps of `p` so far. */
  of(p: Parameter): number {
    const clock = this.#clocks.find((c) => c.members.includes(p))
    return clock ? numberIn(clock.steps) : 0
  }

  /** Sets the counts of all parameters. */
  set(counts: ReadonlyMap<Parameter, number>): void {
    const fits = this.#clocks.every((c) => c.members.every((p) => counts.get(p) === counts.get(c.members[0])))
    if (!fits) {
      this.#clocks = this.#clocks.flatMap(({ members }) =>
        [...new Set(members.map((p) => counts.get(p) ?? 0))].map((count) =>
          clockOf(
            members.filter((p) => (counts.get(p) ?? 0) === count),
            count,
          ),
        ),
      )
    }
    for (const clock of this.#clocks) clock.steps.set([counts.get(clock.members[0]) ?? 0])
  }
}

function clockOf(members: readonly Parameter[], count: number): Clock {
  const steps = cellOf([], count, 'optimizer steps', members[0].device, 'int32')
  return { members, steps, trace: null, ticks: 0 }
}

/** How often the clock has been counted in the recording under way. */
function ticksIn(clock: Clock, trace: Trace | null): number {
  return trace !== null && clock.trace === trace ? clock.ticks : 0
}
