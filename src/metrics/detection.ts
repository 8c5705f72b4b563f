/** @file Mean average precision of detected boxes, by the rules of COCO and of Pascal VOC. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { showShape } from '../core/shape.ts'
import { read, StreamingMetric, type Values } from './metric.ts'

/** What was found in an image. */
export interface Detections {
  /** `[N, 4]`: left, top, right, bottom. */
  readonly boxes: Values
  /** How sure each is, `[N]`. */
  readonly scores: Values
  /** Class numbers, `[N]`. */
  readonly labels: Values
}

/** What is in an image. */
export interface Objects {
  /** `[M, 4]`: left, top, right, bottom. */
  readonly boxes: Values
  /** Class numbers, `[M]`. */
  readonly labels: Values
  /** 1 for those that need not be found and may be found more than once (COCO's crowds, VOC's difficult ones), `[M]`. */
  readonly ignore?: Values
}

export interface MeanAveragePrecisionOptions {
  /**
   * `coco` (the default): at IoU 0.5, 0.55 … 0.95, precision read at 101 recalls. `voc2010`: at IoU 0.5, the whole area
   * below the curve. `voc2007`: at IoU 0.5, precision read at 11 recalls.
   */
  readonly style?: 'coco' | 'voc2010' | 'voc2007'
  /** Other overlaps at which a box counts as found. */
  readonly iouThresholds?: readonly number[]
  /** Detections of a class that count per image, the surest first (default 100 for COCO, all for VOC). */
  readonly maxDetections?: number
  /** Only objects of an area from … to … (COCO: small up to 32², medium up to 96², large beyond). */
  readonly area?: readonly [number, number]
}

export interface DetectionScores {
  /** Mean of average precisions over classes and overlaps. */
  readonly map: number
  /** Mean of the greatest recalls over classes and overlaps. */
  readonly mar: number
  /** Average precision at each overlap, in the order of `iouThresholds`, as a mean over classes. */
  readonly perThreshold: readonly number[]
  /** Average precision of each class that occurs, as a mean over overlaps. */
  readonly perClass: ReadonlyMap<number, number>
}

interface Box {
  readonly corners: readonly [number, number, number, number]
  readonly label: number
  readonly score: number
  readonly ignore: boolean
}

interface Image {
  readonly found: readonly Box[]
  readonly objects: readonly Box[]
}

/** Mean average precision (Everingham et al. 2010; Lin et al. 2014). Classes without an object do not count. */
export class MeanAveragePrecision extends StreamingMetric<
  [detections: readonly Detections[], objects: readonly Objects[]],
  DetectionScores
> {
  readonly #style: NonNullable<MeanAveragePrecisionOptions['style']>
  readonly #thresholds: readonly number[]
  readonly #most: number
  readonly #area: readonly [number, number]
  readonly #images: Image[] = []

  constructor(options: MeanAveragePrecisionOptions = {}) {
    super()
    const { style = 'coco', area = [0, Infinity] } = options
    if (style !== 'coco' && style !== 'voc2010' && style !== 'voc2007') {
      throw new GliaError(
        `MeanAveragePrecision: style must be 'coco', 'voc2010' or 'voc2007'; received ${String(style)}.`,
      )
    }
    const { iouThresholds = style === 'coco' ? Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100) : [0.5] } =
      options
    const { maxDetections = style === 'coco' ? 100 : Number.MAX_SAFE_INTEGER } = options
    for (const t of iouThresholds) checkNumber('MeanAveragePrecision', 'an IoU threshold', t, { above: 0, max: 1 })
    checkNumber('MeanAveragePrecision', 'maxDetections', maxDetections, { min: 1, whole: true })
    this.#style = style
    this.#thresholds = iouThresholds
    this.#most = maxDetections
    this.#area = area
  }

  /** Detections and objects, image by image. */
  update(detections: readonly Detections[], objects: readonly Objects[]): void {
    if (detections.length !== objects.length) {
      throw new GliaError(
        `MeanAveragePrecision: needs detections and objects of the same images; received ${detections.length} and ${objects.length}.`,
      )
    }
    const images = detections.map((d, i) => ({ found: boxesOf(d, d.scores), objects: boxesOf(objects[i]) }))
    this.#images.push(...images)
  }

  compute(): DetectionScores {
    const classes = [...new Set(this.#images.flatMap((i) => i.objects.map((o) => o.label)))].sort((a, b) => a - b)
    const table = classes.flatMap((label) => {
      const row = this.#thresholds.map((t) => this.#evaluate(label, t))
      // Without an object to be found there is nothing to measure.
      return row.every((r) => r !== null) ? [{ label, row: row.flatMap((r) => r ?? []) }] : []
    })
    if (table.length === 0) {
      throw new GliaError('MeanAveragePrecision: there are no objects to be found; call update with some first.')
    }
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
    return {
      map: mean(table.map(({ row }) => mean(row.map((r) => r.precision)))),
      mar: mean(table.map(({ row }) => mean(row.map((r) => r.recall)))),
      perThreshold: this.#thresholds.map((_, k) => mean(table.map(({ row }) => row[k].precision))),
      perClass: new Map(table.map(({ label, row }) => [label, mean(row.map((r) => r.precision))])),
    }
  }

  /** Average precision and greatest recall of a class at an overlap; null if there is nothing to be found. */
  #evaluate(label: number, threshold: number): { precision: number; recall: number } | null {
    const verdicts: { score: number; hit: boolean }[] = []
    let objects = 0
    for (const image of this.#images) {
      const own = image.objects.filter((o) => o.label === label)
      const ignored = own.map((o) => o.ignore || !this.#inArea(o))
      objects += ignored.filter((i) => !i).length
      const found = image.found.filter((d) => d.label === label).sort((a, b) => b.score - a.score)
      verdicts.push(...this.#match(found.slice(0, this.#most), own, ignored, threshold))
    }
    if (objects === 0) return null
    verdicts.sort((a, b) => b.score - a.score)
    let hits = 0
    const curve = verdicts.map(({ hit }, i) => {
      if (hit) hits++
      return { recall: hits / objects, precision: hits / (i + 1) }
    })
    // Precision at a recall is the greatest at that recall or beyond.
    for (let i = curve.length - 2; i >= 0; i--) {
      curve[i].precision = Math.max(curve[i].precision, curve[i + 1].precision)
    }
    return { precision: area(curve, this.#style), recall: hits / objects }
  }

  /** Whether each detection, the surest first, hits an object; those that hit an ignored one, or lie outside the area, are left out. */
  #match(
    found: readonly Box[],
    objects: readonly Box[],
    ignored: readonly boolean[],
    threshold: number,
  ): { score: number; hit: boolean }[] {
    const taken = objects.map(() => false)
    return found.flatMap((detection) => {
      const overlaps = objects.map((o) => overlap(detection, o, this.#style === 'coco' && o.ignore))
      const best =
        this.#style === 'coco' ? bestFree(overlaps, ignored, taken, objects, threshold) : bestOf(overlaps, threshold)
      if (best < 0) return this.#inArea(detection) ? [{ score: detection.score, hit: false }] : []
      const hit = !taken[best]
      taken[best] = true
      return ignored[best] ? [] : [{ score: detection.score, hit }]
    })
  }

  #inArea({ corners: [left, top, right, bottom] }: Box): boolean {
    const size = (right - left) * (bottom - top)
    return size >= this.#area[0] && size <= this.#area[1]
  }

  reset(): void {
    this.#images.length = 0
  }

  merge(other: this): void {
    this.#images.push(...other.#images)
  }
}

/** COCO: the object not yet taken with the greatest overlap; one that counts goes before any that is ignored. */
function bestFree(
  overlaps: readonly number[],
  ignored: readonly boolean[],
  taken: readonly boolean[],
  objects: readonly Box[],
  threshold: number,
): number {
  for (const wanted of [false, true]) {
    let best = -1
    overlaps.forEach((v, i) => {
      const free = !taken[i] || objects[i].ignore
      if (ignored[i] === wanted && free && v >= threshold && (best < 0 || v >= overlaps[best])) best = i
    })
    if (best >= 0) return best
  }
  return -1
}

/** VOC: the object with the greatest overlap, taken or not. */
function bestOf(overlaps: readonly number[], threshold: number): number {
  let best = -1
  overlaps.forEach((v, i) => {
    if (v >= threshold && (best < 0 || v > overlaps[best])) best = i
  })
  return best
}

/** Area below the curve of precision over recall. */
function area(
  curve: readonly { readonly recall: number; readonly precision: number }[],
  style: NonNullable<MeanAveragePrecisionOptions['style']>,
): number {
  if (style === 'voc2010') {
    return curve.reduce((sum, { recall, precision }, i) => sum + (recall - (curve[i - 1]?.recall ?? 0)) * precision, 0)
  }
  const count = style === 'coco' ? 101 : 11
  let sum = 0
  for (let k = 0; k < count; k++) sum += curve.find(({ recall }) => recall >= k / (count - 1) - 1e-12)?.precision ?? 0
  return sum / count
}

/** Intersection over union; of a crowd, the share of the detection that lies in it. */
function overlap(a: Box, b: Box, crowd: boolean): number {
  const [l, t, r, bottom] = a.corners
  const [l2, t2, r2, bottom2] = b.corners
  const shared =
    Math.max(0, Math.min(r, r2) - Math.max(l, l2)) * Math.max(0, Math.min(bottom, bottom2) - Math.max(t, t2))
  const own = (r - l) * (bottom - t)
  const union = crowd ? own : own + (r2 - l2) * (bottom2 - t2) - shared
  return union > 0 ? shared / union : 0
}

/** @throws GliaError unless shapes agree and boxes have their corners in order */
function boxesOf({ boxes, labels, ignore }: Objects, scores?: Values): Box[] {
  const [b, l] = [read(boxes), read(labels)]
  const count = l.data.length
  const [s, i] = [scores === undefined ? null : read(scores).data, ignore === undefined ? null : read(ignore).data]
  const fits = b.data.length === 4 * count && (count === 0 || b.shape[1] === 4)
  if (!fits || (s && s.length !== count) || (i && i.length !== count)) {
    throw new GliaError(
      `MeanAveragePrecision: needs boxes [N, 4] and N labels (and scores); received ${showShape(b.shape)}, ${count} labels` +
        `${s ? `, ${s.length} scores` : ''}.`,
    )
  }
  return Array.from({ length: count }, (_, k) => {
    const [left, top, right, bottom] = [0, 1, 2, 3].map((c) => b.data[4 * k + c])
    if (!(left <= right && top <= bottom)) {
      throw new GliaError(
        `MeanAveragePrecision: a box is left, top, right, bottom; received [${[left, top, right, bottom]}].`,
      )
    }
    return { corners: [left, top, right, bottom], label: l.data[k], score: s?.[k] ?? 1, ignore: i?.[k] === 1 }
  })
}
