/** @file Pictures from directories: a folder per class, COCO, YOLO. */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { type Decode, ImageFolder, type ImageFolderOptions, type PictureFile } from '../data/folder.ts'
import type { Picture } from '../data/image.ts'
import { fromPicture } from '../data/picture-item.ts'
import { type Coco, parseCoco } from '../data/readers/coco.ts'
import { type Objects, parseYolo } from '../data/readers/yolo.ts'
import type { Item, MapSource } from '../data/source.ts'
import { decodeImage } from './decode.ts'
import { readBytes, readText, unreadable } from './read.ts'
import { WorkerPool, workerModule } from './workers.ts'

export interface DecodeOptions {
  /** Threads that decode; 0 (default) decodes in this one. */
  readonly threads?: number
  /** Another decoder than `decodeImage`, which knows PNG and JPEG. */
  readonly decode?: Decode
}

/** A picture with its objects. */
export interface DetectionExample extends Objects {
  /** uint8 `[3, H, W]`. */
  readonly x: Item
}

const PICTURE = /\.(png|jpe?g)$/i

/**
 * A directory with one folder per class, see `ImageFolder`.
 *
 * @throws GliaError if the directory cannot be read, or as `ImageFolder` does
 */
export async function imageFolder(
  directory: string,
  options: ImageFolderOptions & DecodeOptions = {},
): Promise<ImageFolder> {
  const paths = await filesIn(directory)
  const files = paths.map((path): PictureFile => ({ path, bytes: () => readBytes(join(directory, path)) }))
  return new ImageFolder(files, decoderOf(options), { name: directory, ...options })
}

/**
 * Pictures with COCO annotations, in the order of the file.
 *
 * @param annotations path of the JSON file, gzipped or not
 * @param directory where the pictures are
 * @throws GliaError if the file is damaged; a missing picture throws when it is asked for
 */
export async function cocoFolder(
  annotations: string,
  directory: string,
  options: DecodeOptions = {},
): Promise<MapSource<DetectionExample> & { readonly coco: Coco }> {
  const coco = parseCoco(await readText(annotations), annotations)
  const decode = decoderOf(options)
  return {
    coco,
    length: coco.images.length,
    async get(index) {
      const { file, width, height, boxes, labels } = coco.images[index]
      const path = join(directory, file)
      const picture = await decode(await readBytes(path), path)
      if (picture.width !== width || picture.height !== height) {
        throw new GliaError(
          `${path} has ${picture.width} × ${picture.height} pixels, but ${annotations} says ${width} × ${height}.`,
        )
      }
      return { x: fromPicture(picture), boxes, labels }
    },
  }
}

/**
 * Pictures with YOLO labels: for `images/a/1.jpg` the file `labels/a/1.txt`; a picture without one has no objects.
 *
 * @param images directory of the pictures
 * @param labels directory of the labels
 * @throws GliaError if there are no pictures; damaged pictures and labels throw when they are asked for
 */
export async function yoloFolder(
  images: string,
  labels: string,
  options: DecodeOptions & { readonly classes?: number } = {},
): Promise<MapSource<DetectionExample> & { readonly paths: readonly string[] }> {
  const paths = (await filesIn(images)).filter((path) => PICTURE.test(path)).sort()
  if (paths.length === 0) throw new GliaError(`${images} holds no pictures (.png, .jpg).`)
  const decode = decoderOf(options)
  const { classes } = options
  return {
    paths,
    length: paths.length,
    async get(index) {
      const path = join(images, paths[index])
      const picture = await decode(await readBytes(path), path)
      const file = join(labels, paths[index].replace(PICTURE, '.txt'))
      const { width, height } = picture
      const text = existsSync(file) ? await readText(file) : ''
      return {
        x: fromPicture(picture),
        ...parseYolo(text, { width, height, name: file, ...(classes === undefined ? {} : { classes }) }),
      }
    },
  }
}

/** Paths with slashes, relative to the directory. */
async function filesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) =>
        relative(directory, join(entry.parentPath ?? entry.path, entry.name))
          .split(sep)
          .join('/'),
      )
  } catch (error) {
    throw unreadable(directory, error)
  }
}

function decoderOf({ threads = 0, decode }: DecodeOptions): Decode {
  if (decode) return decode
  if (threads === 0) return decodeImage
  const pool = new WorkerPool<{ bytes: Uint8Array; name: string }, Picture>(workerModule('decode-worker'), { threads })
  return (bytes, name) => pool.run({ bytes, name })
}
