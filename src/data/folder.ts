/** @file Pictures in folders, one folder per class. */

import { GliaError } from '../core/errors.ts'
import { type Picture, resizeTo } from './image.ts'
import { fromPicture } from './picture-item.ts'
import { type Item, label, type MapSource } from './source.ts'

/** A file that is read when it is needed. */
export interface PictureFile {
  /** With slashes, beginning with the class: `cats/1.jpg`, `cats/more/2.png`. */
  readonly path: string
  bytes(): Promise<Uint8Array>
}

export interface ImageFolderOptions {
  /** 3 for colour (default), 1 for grey. Transparent pictures are laid over white. */
  readonly channels?: 1 | 3
  /** Height and width that every picture is resized to; without them they keep their sizes. */
  readonly size?: readonly [height: number, width: number]
  /** Class names in the order of their numbers; other folders are refused. By default the folders' names, sorted. */
  readonly classes?: readonly string[]
  /** The folder's name, for messages. */
  readonly name?: string
}

/** From a file's bytes to a picture; `name` is for messages. */
export type Decode = (bytes: Uint8Array, name: string) => Picture | Promise<Picture>

const PICTURE = /\.(png|jpe?g|gif|webp|bmp)$/i

/**
 * A source of `x` uint8 `[C, H, W]` and `y` int32 `[]` from pictures in one folder per class; each is read and decoded
 * when it is asked for. A damaged picture throws then: `DataLoader` with `onError: 'skip'` leaves it out and lists it.
 */
export class ImageFolder implements MapSource<{ readonly x: Item; readonly y: Item }> {
  readonly classes: readonly string[]
  /** Paths of the examples. */
  readonly paths: readonly string[]
  /** Class numbers of the examples, for stratified splits and balanced sampling. */
  readonly labels: Int32Array
  /** Files that are no pictures by their names, or lie in no class's folder: they are left out. */
  readonly ignored: readonly string[]
  readonly #files: readonly PictureFile[]
  readonly #decode: Decode
  readonly #options: ImageFolderOptions
  readonly #name: string

  /** @throws GliaError if there are no pictures, there is only one class, a class has none, or a folder is no class */
  constructor(files: Iterable<PictureFile>, decode: Decode, options: ImageFolderOptions = {}) {
    this.#decode = decode
    this.#options = options
    this.#name = options.name ?? 'The folder'
    const [kept, ignored, folders]: [PictureFile[], string[], Set<string>] = [[], [], new Set()]
    for (const file of files) {
      const [folder, ...rest] = file.path.split('/')
      const hidden = file.path.split('/').some((part) => part.startsWith('.'))
      if (rest.length > 0 && !hidden) folders.add(folder)
      if (rest.length === 0 || hidden || !PICTURE.test(file.path)) ignored.push(file.path)
      else kept.push(file)
    }
    this.#files = kept.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    this.ignored = ignored.sort()
    this.paths = this.#files.map(({ path }) => path)
    this.classes = options.classes ?? [...folders].sort()
    this.labels = this.#number(folders)
  }

  get length(): number {
    return this.#files.length
  }

  async get(index: number): Promise<{ readonly x: Item; readonly y: Item }> {
    const file = this.#files[index]
    const { channels = 3, size } = this.#options
    const picture = await this.#decode(await file.bytes(), `${this.#name}/${file.path}`)
    const sized = size ? resizeTo(picture, size[1], size[0]) : picture
    return { x: fromPicture(sized, channels), y: label(this.labels[index]) }
  }

  #number(folders: ReadonlySet<string>): Int32Array {
    const [name, { classes }] = [this.#name, this]
    if (this.#files.length === 0) {
      const few = this.ignored.slice(0, 3).join(', ')
      const found = few === '' ? 'it is empty' : `it has ${few}${this.ignored.length > 3 ? ' …' : ''}`
      throw new GliaError(
        `${name} holds no pictures in folders of classes (${found}); put each class into its own folder.`,
      )
    }
    if (classes.length < 2) {
      throw new GliaError(
        `${name} has one class only, ${classes[0]}; to tell classes apart, there must be two folders.`,
      )
    }
    const numbers = new Map(classes.map((c, i) => [c, i]))
    const unknown = [...folders].find((folder) => !numbers.has(folder))
    if (unknown !== undefined) {
      throw new GliaError(`${name} has a folder ${unknown}, which is none of the classes ${classes.join(', ')}.`)
    }
    const labels = Int32Array.from(this.paths, (path) => numbers.get(path.split('/')[0]) ?? -1)
    const present = new Set(labels)
    const empty = classes.find((_, i) => !present.has(i))
    if (empty !== undefined) throw new GliaError(`${name}: the class ${empty} has no pictures.`)
    return labels
  }
}
