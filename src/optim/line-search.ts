/** @file A step length along a direction that meets the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6). */

/** The objective at a step length. */
export interface Point {
  /** Step length. */
  readonly t: number
  /** Value. */
  readonly f: number
  /** Gradient with respect to all parameters. */
  readonly g: Float64Array
  /** Directional derivative. */
  readonly slope: number
}

export interface SearchOptions {
  /** Evaluations at most, besides the first. */
  readonly most: number
  /** Brackets within which parameters move by less are not divided further. */
  readonly tolerance: number
  /** The greatest component of the direction. */
  readonly reach: number
}

/** Share of the first slope that the decrease must have. */
const armijo = 1e-4
/** Share of the first slope that may remain. */
const curvature = 0.9

/**
 * Brackets a good step length, starting from `t`, then narrows the bracket down.
 * @returns the best point and the number of evaluations
 */
export function strongWolfe(
  evaluate: (t: number) => Point,
  start: Point,
  t: number,
  options: SearchOptions,
): { point: Point; evaluations: number } {
  const decreases = (p: Point): boolean => p.f <= start.f + armijo * p.t * start.slope
  const flat = (p: Point): boolean => Math.abs(p.slope) <= -curvature * start.slope
  let before = start
  let point = evaluate(t)
  let rounds = 0
  for (; rounds < options.most; rounds++) {
    if (!decreases(point) || (rounds > 1 && point.f >= before.f)) break
    if (flat(point)) return { point, evaluations: rounds + 1 }
    if (point.slope >= 0) break
    const next = cubicMinimum(before, point, point.t + 0.01 * (point.t - before.t), 10 * point.t)
    before = point
    point = evaluate(next)
  }
  let [low, high] = rounds === options.most ? [start, point] : [before, point]
  if (low.f > high.f) [low, high] = [high, low]
  let stuck = false
  for (; rounds < options.most; rounds++) {
    const [left, right] = low.t < high.t ? [low.t, high.t] : [high.t, low.t]
    if ((right - left) * options.reach < options.tolerance) break
    const trial = cubicMinimum(low, high, left, right)
    const moved = awayFromEnds(trial, left, right, stuck)
    stuck = moved.stuck
    point = evaluate(moved.t)
    if (!decreases(point) || point.f >= low.f) {
      high = point
      if (low.f > high.f) [low, high] = [high, low]
      continue
    }
    if (flat(point)) return { point, evaluations: rounds + 2 }
    if (point.slope * (high.t - low.t) >= 0) high = low
    low = point
  }
  return { point: low, evaluations: rounds + 1 }
}

/** A trial close to an end of the bracket for the second time (or beyond it) is taken a tenth of the way in. */
function awayFromEnds(t: number, left: number, right: number, stuck: boolean): { t: number; stuck: boolean } {
  const margin = 0.1 * (right - left)
  if (Math.min(right - t, t - left) >= margin) return { t, stuck: false }
  if (!stuck && t < right && t > left) return { t, stuck: true }
  return { t: Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin, stuck: false }
}

/** Where the cubic through two points with their slopes is least, within [low, high]; the middle if it has no minimum. */
function cubicMinimum(a: Point, b: Point, low: number, high: number): number {
  const [p, q] = a.t <= b.t ? [a, b] : [b, a]
  const d1 = p.slope + q.slope - (3 * (p.f - q.f)) / (p.t - q.t)
  const square = d1 * d1 - p.slope * q.slope
  if (!(square >= 0)) return (low + high) / 2
  const d2 = Math.sqrt(square)
  const t = q.t - (q.t - p.t) * ((q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2))
  return Math.min(Math.max(t, low), high)
}
