/** @file The timing loop of Glia's side: warm up, then step until enough time has passed. */
import { flopsOf, parameterCount, runStep, type Workload } from './workload.ts'

/** A line of results, in the peers' form, with what only Glia tells. */
export interface Timing {
  /** Median and fastest step, in milliseconds. */
  readonly ms: number
  readonly best_ms: number
  readonly runs: number
  readonly params: number
  /** Floating-point operations of a step in matrix products and convolutions. */
  readonly flops: number
  /** Making the workload and its first step: graph, plan and code. */
  readonly start_ms: number
  /** Result of the first and of the last step. */
  readonly first: number
  readonly last: number
}

/** Five steps to warm up, then at least 5 steps and `seconds` seconds, 2000 steps at most. */
export function time(make: () => Workload, seconds: number): Timing {
  const begin = performance.now()
  const workload = make()
  const first = runStep(workload)
  const start = performance.now() - begin
  for (let i = 0; i < 4; i++) runStep(workload)
  const times: number[] = []
  const end = performance.now() + seconds * 1e3
  let last = first
  while (times.length < 5 || (performance.now() < end && times.length < 2000)) {
    const t = performance.now()
    last = runStep(workload)
    times.push(performance.now() - t)
  }
  times.sort((a, b) => a - b)
  return {
    ms: round(times[times.length >> 1]),
    best_ms: round(times[0]),
    runs: times.length,
    params: parameterCount(workload),
    flops: flopsOf(workload),
    start_ms: round(start),
    first,
    last,
  }
}

const round = (x: number): number => Math.round(x * 1e4) / 1e4
