/** @file COCO annotations (Lin et al. 2014): boxes, segmentation by polygons or run lengths, keypoints, captions. */

import { GliaError } from '../../core/errors.ts'
import type { Item } from '../source.ts'
import type { Objects } from './yolo.ts'

/** A picture's annotations. */
export interface CocoImage extends Objects {
  readonly id: number
  /** File name. */
  readonly file: string
  readonly width: number
  readonly height: number
  /** uint8 `[N]`: 1 where a box surrounds a crowd, which evaluation passes over. */
  readonly crowd: Item
  /** Outlines of the objects, for `cocoMask`; null where there is none. */
  readonly segmentations: readonly (Segmentation | null)[]
  /** float32 `[N, K, 3]`: x, y and visibility (0, 1, 2); only if the file has keypoints. */
  readonly keypoints?: Item
  readonly captions: readonly string[]
}

/** Polygons `[x0, y0, x1, y1, …]`, or run lengths down the columns, beginning with the background. */
export type Segmentation =
  | readonly (readonly number[])[]
  | { readonly size: readonly number[]; readonly counts: readonly number[] | string }

/** A COCO file. */
export interface Coco {
  readonly images: readonly CocoImage[]
  /** Class names; the file's category ids, which have gaps, are numbered from 0 in order. */
  readonly classes: readonly string[]
  /** Annotations that were left out, with reasons. */
  readonly skipped: readonly { readonly annotation: number; readonly reason: string }[]
}

type Raw = Readonly<Record<string, unknown>>

/**
 * Reads an annotation file. Annotations of an unknown picture or category, or without a sound box, are left out and listed.
 *
 * @param name the file's name, for messages
 * @throws GliaError if it is not JSON with images and annotations, or an image has no id, name or size
 */
export function parseCoco(text: string, name = 'The annotations'): Coco {
  let root: Raw
  try {
    root = JSON.parse(text)
  } catch (error) {
    throw new GliaError(`${name} is not JSON (${error instanceof Error ? error.message : error}).`)
  }
  const categories = list(root.categories ?? [], 'categories', name)
  const ids = categories.map((c) => Number(c.id)).sort((a, b) => a - b)
  const classOf = new Map(ids.map((id, i) => [id, i]))
  const skipped: { annotation: number; reason: string }[] = []
  const byImage = new Map<unknown, Raw[]>()
  const images = list(root.images, 'images', name)
  for (const image of images) byImage.set(image.id, [])
  list(root.annotations, 'annotations', name).forEach((annotation, i) => {
    const reason = faultOf(annotation, byImage, classOf)
    if (reason === undefined) byImage.get(annotation.image_id)?.push(annotation)
    else skipped.push({ annotation: typeof annotation.id === 'number' ? annotation.id : i, reason })
  })
  return {
    images: images.map((image, i) => imageOf(image, byImage.get(image.id) ?? [], classOf, `${name}: image ${i}`)),
    classes: ids.map((id) => String(categories.find((c) => Number(c.id) === id)?.name)),
    skipped,
  }
}

function list(value: unknown, key: string, name: string): Raw[] {
  if (Array.isArray(value)) return value
  throw new GliaError(`${name} is no COCO file: it has no list called ${key}.`)
}

function faultOf(annotation: Raw, images: ReadonlyMap<unknown, unknown>, classes: ReadonlyMap<number, number>) {
  if (!images.has(annotation.image_id)) return `its picture ${annotation.image_id} is not listed`
  if (typeof annotation.caption === 'string') return undefined
  if (!classes.has(Number(annotation.category_id))) return `its category ${annotation.category_id} is not listed`
  const { bbox } = annotation
  const sound = Array.isArray(bbox) && bbox.length === 4 && bbox.every(Number.isFinite) && bbox[2] > 0 && bbox[3] > 0
  return sound ? undefined : `its box ${JSON.stringify(bbox)} is not x, y, width and height`
}

function imageOf(
  image: Raw,
  annotations: readonly Raw[],
  classes: ReadonlyMap<number, number>,
  where: string,
): CocoImage {
  const { id, file_name: file, width, height } = image
  if (typeof id !== 'number' || typeof file !== 'string' || !(Number(width) > 0 && Number(height) > 0)) {
    throw new GliaError(`${where} has no id, file_name, width or height.`)
  }
  const objects = annotations.filter((a) => typeof a.caption !== 'string')
  const n = objects.length
  const boxes = objects.flatMap(({ bbox }) => {
    const [x, y, w, h] = bbox as number[]
    return [x, y, x + w, y + h]
  })
  return {
    id,
    file,
    width: Number(width),
    height: Number(height),
    boxes: { data: Float32Array.from(boxes), shape: [n, 4] },
    labels: { data: Int32Array.from(objects, (a) => classes.get(Number(a.category_id)) ?? 0), shape: [n] },
    crowd: { data: Uint8Array.from(objects, (a) => (a.iscrowd ? 1 : 0)), shape: [n] },
    segmentations: objects.map((a) => (a.segmentation as Segmentation | undefined) ?? null),
    captions: annotations.flatMap((a) => (typeof a.caption === 'string' ? [a.caption] : [])),
    ...keypointsOf(objects),
  }
}

function keypointsOf(objects: readonly Raw[]): { keypoints?: Item } {
  const lists = objects.map(({ keypoints }) => (Array.isArray(keypoints) ? (keypoints as number[]) : []))
  const length = Math.max(0, ...lists.map((points) => points.length))
  if (length === 0) return {}
  const data = new Float32Array(objects.length * length)
  lists.forEach((points, i) => {
    data.set(points, i * length)
  })
  return { keypoints: { data, shape: [objects.length, length / 3, 3] } }
}

/**
 * The pixels of a segmentation: uint8 `[height, width]`, 1 inside. A pixel belongs to a polygon if its centre does (by
 * the even-odd rule); several polygons are united.
 *
 * @throws GliaError if run lengths do not cover the picture
 */
export function cocoMask(segmentation: Segmentation, width: number, height: number): Item {
  const data = new Uint8Array(width * height)
  const shape = [height, width]
  if ('counts' in segmentation) {
    const { counts } = segmentation
    const runs = typeof counts === 'string' ? runsOf(counts) : counts
    if (runs.reduce((a, b) => a + b, 0) !== width * height) {
      throw new GliaError(`cocoMask: the run lengths do not add up to ${width} × ${height} pixels.`)
    }
    let at = 0
    runs.forEach((run, i) => {
      for (const end = at + run; at < end; at++) data[(at % height) * width + Math.floor(at / height)] = i % 2
    })
    return { data, shape }
  }
  for (const polygon of segmentation) fill(polygon, width, height, data)
  return { data, shape }
}

/** Even-odd scan lines through pixel centres. */
export function fill(polygon: readonly number[], width: number, height: number, data: Uint8Array): void {
  const n = polygon.length / 2
  for (let row = 0; row < height; row++) {
    const y = row + 0.5
    const crossings: number[] = []
    for (let i = 0; i < n; i++) {
      const [x0, y0] = [polygon[2 * i], polygon[2 * i + 1]]
      const j = (i + 1) % n
      const [x1, y1] = [polygon[2 * j], polygon[2 * j + 1]]
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0))
    }
    crossings.sort((a, b) => a - b)
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const start = Math.max(0, Math.ceil(crossings[i] - 0.5))
      const end = Math.min(width, Math.ceil(crossings[i + 1] - 0.5))
      if (end > start) data.fill(1, row * width + start, row * width + end)
    }
  }
}

/** COCO's packed run lengths: base 32 with sign, six bits a character from '0' on; from the third, differences by two. */
function runsOf(text: string): number[] {
  const runs: number[] = []
  for (let at = 0; at < text.length; ) {
    let [value, shift, more] = [0, 0, true]
    while (more) {
      const bits = text.charCodeAt(at++) - 48
      if (!(bits >= 0 && bits < 64)) throw new GliaError('cocoMask: the packed run lengths are damaged.')
      value |= (bits & 31) << shift
      shift += 5
      more = (bits & 32) !== 0
      if (!more && (bits & 16) !== 0) value |= -1 << shift
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value)
  }
  return runs
}
