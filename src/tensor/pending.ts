/**
 * @file What the next run should compute along with what it is asked for. Graphs are lazy: a running statistic assigned
 * in a forward pass, a parameter's initial values or a loss after `backward` wait here, so that one run does all of it.
 */
import { checkOutside } from '../autograd/batching/active.ts'
import type { Cell } from '../graph/cell.ts'
import { type Node, topological } from '../graph/node.ts'
import { activeTrace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'

interface Waiting {
  readonly device: Device
  /** The last value known to be computable: put back when a run fails. */
  readonly previous: Node
}

const cells = new Map<Cell, Waiting>()

/**
 * Gives a cell a value that is computed with the next run. In a trace the trace keeps it instead.
 */
export function assignLater(cell: Cell, value: Node, device: Device): void {
  checkOutside(
    value,
    `${cell.name}: a function that vmap runs cannot assign it a value that differs from example to example. Put layers ` +
      'with running statistics in evaluation mode (model.eval()).',
  )
  if (activeTrace()) {
    cell.assign(value)
    return
  }
  cell.evict()
  const previous = cells.get(cell)?.previous ?? cell.value
  cell.assign(value)
  cells.set(cell, { device, previous })
}

/**
 * Computes the waiting cells of `device`: the initial values of a whole model in one run. Those of `residents`, which a
 * step is about to keep in the device's memory, are computed there and never take memory on the host.
 */
export function settleCells(device: Device, residents: ReadonlySet<Cell> = new Set()): void {
  if (cells.size > 0) realise(device, [], residents)
}

/** Whether `cell` waits for its value. */
export function isWaiting(cell: Cell): boolean {
  return cells.has(cell)
}

/**
 * Computes `nodes` and every waiting cell of the device in one run.
 *
 * A run that fails throws, and the waiting cells go back to the values they had before.
 */
export function realise(device: Device, nodes: readonly Node[], residents: ReadonlySet<Cell> = new Set()): void {
  const waiting = [...cells].filter(([, w]) => w.device === device)
  const into = recomputable(waiting.map(([cell]) => cell).filter((c) => residents.has(c) && c.value.op !== 'data'))
  const direct = new Set(into)
  const toHost = waiting.flatMap(([cell]) => (direct.has(cell) ? [] : [cell.value]))
  const all = [...new Set([...nodes, ...toHost])].filter((n) => n.op !== 'data')
  if (all.length + into.length > 0) device.turns.check('reading a value')
  for (const [cell] of waiting) cells.delete(cell)
  if (all.length + into.length === 0) return
  warnOfGrowth([...all, ...into.map((cell) => cell.value)])
  try {
    device.realise(all, into)
  } catch (error) {
    for (const [cell, { previous }] of waiting) cell.assign(previous)
    throw error
  }
}

/**
 * The cells, where whoever else holds the nodes of their values can compute these once more; else none. What depends on
 * another cell cannot, after that has changed, and a host function may do more than compute.
 */
function recomputable(of: readonly Cell[]): readonly Cell[] {
  const lasting = topological(of.map((cell) => cell.value)).every(({ op }) => op !== 'cell' && op !== 'hostCall')
  return lasting ? of : []
}

const limit = 50_000
let warned = false

function warnOfGrowth(nodes: readonly Node[]): void {
  if (warned) return
  const order = topological(nodes)
  if (order.length <= limit) return
  warned = true
  const places = new Map<string, number>()
  for (const { op, origin } of order) {
    const place = origin ? `${op} in ${origin.module || 'no module'} ${origin.site}`.trim() : op
    places.set(place, (places.get(place) ?? 0) + 1)
  }
  const most = [...places].sort((a, b) => b[1] - a[1]).slice(0, 3)
  console.warn(
    `glia: a graph of ${order.length} operations is computed at once; it probably grows from step to step. Most of it: ` +
      `${most.map(([place, n]) => `${n} × ${place}`).join(', ')}. Read a value (await t.item()) or call ` +
      'optimizer.step() in each round of the loop.',
  )
}
