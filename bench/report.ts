/** @file Medians, ratios and rates of a run, as a table for documents and as lines for programs. */

/** One timing of one workload by one side. */
export interface Line {
  readonly workload: string
  /** `torch 1.13.0a0`, `glia wasm` … */
  readonly peer: string
  readonly ms?: number
  readonly best_ms?: number
  /** Told by Glia alone; a step is the same work for all. */
  readonly flops?: number
  readonly error?: string
}

/** A peer's time over that of one of Glia's targets: above 1, Glia is faster. */
export interface Ratio {
  readonly workload: string
  readonly target: string
  readonly glia_ms: number
  readonly peer: string
  readonly peer_ms: number
  readonly ratio: number
}

/** The row whose fastest step is taken for what the machine can do. */
export const PEAK_ROW = 'matmul_2048'

const PEAK_FLOPS = 2 * 2048 ** 3
const GLIA = 'glia '

export class Results {
  /** Times by workload and peer, in the order in which they first came. */
  readonly #times = new Map<string, Map<string, number[]>>()
  readonly #flops = new Map<string, number>()
  #peak: { readonly gflops: number; readonly peer: string } | null = null

  add({ workload, peer, ms, best_ms, flops }: Line): void {
    if (ms === undefined) return
    const byPeer = this.#times.get(workload) ?? new Map<string, number[]>()
    this.#times.set(workload, byPeer)
    byPeer.set(peer, [...(byPeer.get(peer) ?? []), ms])
    if (flops) this.#flops.set(workload, flops)
    if (workload === PEAK_ROW) this.probe(peer, best_ms ?? ms)
  }

  /** Notes a time of the peak row, whether or not the row is shown. */
  probe(peer: string, ms: number): void {
    const gflops = PEAK_FLOPS / ms / 1e6
    if (gflops > (this.#peak?.gflops ?? 0)) this.#peak = { gflops, peer }
  }

  /** Every peer against every target of Glia. */
  ratios(): Ratio[] {
    return [...this.#times].flatMap(([workload, byPeer]) => {
      const medians = [...byPeer].map(([peer, times]) => [peer, median(times)] as const)
      const own = medians.filter(([peer]) => peer.startsWith(GLIA))
      const others = medians.filter(([peer]) => !peer.startsWith(GLIA))
      return own.flatMap(([target, glia_ms]) =>
        others.map(([peer, peer_ms]) => ({
          workload,
          target: target.slice(GLIA.length),
          glia_ms,
          peer,
          peer_ms,
          ratio: peer_ms / glia_ms,
        })),
      )
    })
  }

  /** A Markdown table with a column of ratios for each of Glia's targets, and a line on the peak. */
  table(): string {
    const targets = [...new Set([...this.#times.values()].flatMap((byPeer) => [...byPeer.keys()]))].filter((peer) =>
      peer.startsWith(GLIA),
    )
    const head = ['workload', 'peer', 'ms', 'GFLOP/s', 'of peak', ...targets.map((t) => `÷ ${t}`)]
    const rows = [...this.#times].flatMap(([workload, byPeer]) =>
      [...byPeer].map(([peer, times]) => {
        const ms = median(times)
        const flops = this.#flops.get(workload)
        const gflops = flops ? flops / ms / 1e6 : null
        const ratios = targets.map((t) => {
          const own = byPeer.get(t)
          return own ? (ms / median(own)).toFixed(2) : ''
        })
        return [workload, peer, digits(ms), gflops ? gflops.toFixed(0) : '', this.#share(gflops), ...ratios]
      }),
    )
    const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
    const rule = `|${head.map((_, i) => (i < 2 ? '---|' : '--:|')).join('')}`
    const peak = this.#peak
      ? ['', `Peak: ${this.#peak.gflops.toFixed(0)} GFLOP/s, the fastest ${PEAK_ROW} (${this.#peak.peer}).`]
      : []
    return [line(head), rule, ...rows.map(line), ...peak].join('\n')
  }

  #share(gflops: number | null): string {
    return gflops && this.#peak ? `${((100 * gflops) / this.#peak.gflops).toFixed(0)} %` : ''
  }
}

/** Middle of the values, the mean of both where there are two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Four significant digits at most, three after the point. */
function digits(ms: number): string {
  return ms >= 1000 ? ms.toFixed(0) : ms >= 100 ? ms.toFixed(1) : ms >= 10 ? ms.toFixed(2) : ms.toFixed(3)
}
