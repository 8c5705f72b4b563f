/**
 * @file Attention whose scores never lie in memory as a whole: block by block of queries, which see all their keys at
 * once, so that a block's softmax is an ordinary one. The backward pass computes each block's weights again (as in Dao et
 * al. 2022, but for the blocks of keys, which caches of this size do not ask for). Causal attention is cut into parts that
 * multiply only with keys up to their last query, which saves more than computing again costs.
 */
import { grad } from '../../autograd/backward.ts'
import { customFunction } from '../../autograd/custom.ts'
import { gradEnabled } from '../../autograd/mode.ts'
import { arange, zerosLike } from '../../tensor/factories.ts'
import { cat } from '../../tensor/movement.ts'
import { scan } from '../../tensor/scan.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Bytes of a block's scores, and of all scores from which on blocks pay. */
const BLOCK = 4 << 20
const WORTH = 8 << 20
/** The same where nothing is causal and gradients are wanted: blocks take a quarter more time, but far less memory. */
const WORTH_AGAIN = 256 << 20
/** Queries of a block at least: fewer make poor products. */
const LEAST = 16
/** Parts of causal attention. */
const PARTS = 4

/** What attention of one block computes: `[…, rows, E]`, `[…, S, E]`, `[…, S, V]`, masks for `[…, rows, S]` → `[…, rows, V]`. */
export type AttendBlock = (q: Tensor, k: Tensor, v: Tensor, masks: readonly Tensor[]) => Tensor

/** Queries of a block for scores `[…, L, S]`; null where all are better computed at once. */
export function blockRows(scores: readonly number[], operands: readonly Tensor[], causal: boolean): number | null {
  const bytes = scores.reduce((n, extent) => n * extent, 4)
  const again = !causal && gradEnabled() && operands.some((t) => t.requiresGrad)
  if (bytes <= (again ? WORTH_AGAIN : WORTH)) return null
  const queries = scores[scores.length - 2]
  const rows = Math.max(LEAST, Math.floor((BLOCK * queries) / bytes))
  return rows < queries ? rows : null
}

/**
 * `attend` of all queries, `rows` at a time.
 *
 * @param masks broadcast to `[…, L, S]`; they get no gradients
 * @param causal whether query i may look at keys 0 … i alone; `attend` gets a mask that says so
 * @returns `[…, L, V]`
 */
export function attendInBlocks(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  masks: readonly Tensor[],
  causal: boolean,
  rows: number,
  attend: AttendBlock,
): Tensor {
  const [queries, keys] = [q.shape[q.rank - 2], k.shape[k.rank - 2]]
  const parts = partsOf(queries, keys, rows, causal)
  const all = causal ? [...masks, lookingBack(queries, keys, q)] : masks
  const attention = customFunction({
    name: 'attention',
    forward: (q, k, v) => {
      const outputs = parts.map((part) => {
        const [kp, vp] = [firstRows(k, part.keys), firstRows(v, part.keys)]
        return part.map([q], all, ([block], masks) => [attend(block, kp, vp, masks)])[0]
      })
      return cat(outputs, -2)
    },
    backward: (g, [q, k, v]) => {
      let [gk, gv] = [zerosLike(k), zerosLike(v)]
      const gq = [...parts].reverse().map((part) => {
        const [kp, vp] = [firstRows(k, part.keys), firstRows(v, part.keys)]
        const sums = [firstRows(gk, part.keys), firstRows(gv, part.keys)]
        const [gPart, gkPart, gvPart] = part.map(
          [q, g],
          all,
          ([block, gBlock], masks, [gk, gv]) => {
            const y = attend(block, kp, vp, masks)
            const [gq, moreK, moreV] = grad(y, [block, kp, vp], { gradient: gBlock, createGraph: true })
            return [gq, gk.add(moreK), gv.add(moreV)]
          },
          sums,
        )
        gk = withFirstRows(gk, gkPart)
        gv = withFirstRows(gv, gvPart)
        return gPart
      })
      return [cat(gq.reverse(), -2), gk, gv]
    },
  })
  return attention(q, k, v)
}

/** bool `[L, S]`, true where a causal query may look. */
const lookingBack = (queries: number, keys: number, { device }: Tensor): Tensor =>
  arange(0, queries, 1, { device })
    .unsqueeze(1)
    .ge(arange(0, keys, 1, { device }))

function partsOf(queries: number, keys: number, rows: number, causal: boolean): Part[] {
  const blocks = Math.floor(queries / rows)
  const count = causal ? Math.min(PARTS, blocks) : 1
  const ends = Array.from({ length: count }, (_, i) => Math.floor((blocks * (i + 1)) / count) * rows)
  if (queries > blocks * rows) ends.push(queries)
  return ends.map((to, i) => new Part(ends[i - 1] ?? 0, to, causal ? Math.min(keys, to) : keys, rows, queries))
}

/** Neighbouring blocks of queries, with keys enough for all of them. */
class Part {
  readonly keys: number
  readonly #from: number
  readonly #count: number
  readonly #blocks: number
  readonly #queries: number

  constructor(from: number, to: number, keys: number, rows: number, queries: number) {
    this.keys = keys
    this.#from = from
    this.#count = to - from
    this.#blocks = Math.max(1, Math.floor((to - from) / rows))
    this.#queries = queries
  }

  /**
   * Calls `body` with the blocks of tensors `[…, L, n]` and of masks, and with what it handed on for the block before.
   * Returns the first results of all blocks, joined, and what the last block handed on.
   */
  map(
    xs: readonly Tensor[],
    masks: readonly Tensor[],
    body: (blocks: Tensor[], masks: Tensor[], carry: Tensor[]) => Tensor[],
    init: readonly Tensor[] = [],
  ): Tensor[] {
    const seen = masks.map((m) => (m.shape.at(-1) === 1 ? m : m.narrow(-1, 0, this.keys)))
    const divided = seen.map((m) => m.rank > 1 && m.shape[m.rank - 2] === this.#queries)
    const own = (t: Tensor): Tensor => t.narrow(-2, this.#from, this.#count)
    if (this.#blocks === 1) {
      const ownMasks = seen.map((m, i) => (divided[i] ? own(m) : m))
      return body(xs.map(own), ownMasks, [...init])
    }
    const slices = [...xs, ...seen.filter((_, i) => divided[i])].map((t) => split(own(t), this.#blocks))
    const { carry, ys } = scan(
      (carry, slices) => {
        const rest = slices.slice(xs.length)
        const theirs = seen.map((m, i) => (divided[i] ? (rest.shift() as Tensor) : m))
        const [y, ...next] = body(slices.slice(0, xs.length), theirs, carry)
        return { carry: next, ys: [y] }
      },
      init,
      slices,
    )
    return [join(ys[0]), ...carry]
  }
}

const firstRows = (t: Tensor, count: number): Tensor => (t.shape[t.rank - 2] === count ? t : t.narrow(-2, 0, count))

/** `t` with other rows in front. */
function withFirstRows(t: Tensor, first: Tensor): Tensor {
  const [all, count] = [t.shape[t.rank - 2], first.shape[t.rank - 2]]
  return all === count ? first : cat([first, t.narrow(-2, count, all - count)], -2)
}

/** `[…, n · rows, E] → [n, …, rows, E]`. */
function split(t: Tensor, n: number): Tensor {
  const lead = t.shape.slice(0, -2)
  const [rows, width] = t.shape.slice(-2)
  const r = lead.length
  return t.reshape([...lead, n, rows / n, width]).permute([r, ...lead.map((_, i) => i), r + 1, r + 2])
}

/** `[n, …, rows, E] → […, n · rows, E]`. */
function join(t: Tensor): Tensor {
  const lead = t.shape.slice(1, -2)
  const [rows, width] = t.shape.slice(-2)
  const r = lead.length
  const order = [...lead.map((_, i) => i + 1), 0, r + 1, r + 2]
  return t.permute(order).reshape([...lead, t.shape[0] * rows, width])
}
