/** @file Which class a picture belongs to. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, type Column, subset } from '../../data/dataset.ts'
import { type Decode, ImageFolder, type PictureFile } from '../../data/folder.ts'
import { resizeTo } from '../../data/image.ts'
import { fromPicture } from '../../data/picture-item.ts'
import { crossEntropy } from '../../loss/index.ts'
import { BatchNorm2d, Conv2d, Dropout, GlobalAvgPool2d, Linear, MaxPool2d, ReLU, Sequential } from '../../nn/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import { accuracy, type Metric } from '../../train/metrics.ts'
import { type Augment, cropAndFlip } from '../augment.ts'
import { Standardize } from '../standardize.ts'
import { classColumns } from './classes.ts'
import { atRandom, checkShares } from './shares.ts'
import { specOf } from './spec.ts'
import { writeTable } from './table.ts'
import type { Choice, FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

export interface ImageSpec {
  readonly classes: readonly string[]
  readonly size: number
  readonly width: number
  readonly dropout: number
  readonly weightDecay: number
  readonly augment: Change
}

/** How training pictures are changed: mirrored half of the time, moved by up to an eighth of their side, both, or not. */
const CHANGES = ['none', 'flip', 'shift', 'all'] as const
type Change = (typeof CHANGES)[number]

const NAME = 'image-classifier'
const PICTURE = /\.(png|jpe?g)$/i

class ImageTask implements Task {
  readonly spec: ImageSpec
  readonly classes: readonly string[]
  readonly loss: Loss = crossEntropy
  readonly metrics: readonly Metric[] = [accuracy]
  readonly augment?: Augment

  constructor(spec: ImageSpec) {
    this.spec = spec
    this.classes = spec.classes
    const { augment, size } = spec
    const padding = augment === 'flip' ? 0 : Math.round(size / 8)
    if (augment !== 'none') this.augment = cropAndFlip(padding, augment !== 'shift')
  }

  /** Three stages of two convolutions, each halving the picture (Simonyan & Zisserman 2015): `[B, 3, S, S] → [B, C]`. */
  build(train?: ArrayDataset): Model {
    const { size, width, classes, dropout } = this.spec
    const stages = [3, width, 2 * width].map((channels, i) => {
      const out = width * 2 ** i
      return [
        new Conv2d(channels, out, 3, { padding: 1, bias: false, init: 'heNormal' }),
        new BatchNorm2d(out),
        new ReLU(),
        new Conv2d(out, out, 3, { padding: 1, bias: false, init: 'heNormal' }),
        new BatchNorm2d(out),
        new ReLU(),
        new MaxPool2d(2),
      ]
    })
    return new Sequential(
      new Standardize([3, size, size], train?.x),
      ...stages.flat(),
      new GlobalAvgPool2d(),
      new Dropout(dropout),
      new Linear(4 * width, classes.length),
    )
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: this.spec.weightDecay })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    return (await read(source, this.spec.size, this.classes)).all
  }

  async predict(model: Model, source: Source): Promise<string> {
    const { files, decode } = picturesOf(source)
    const named = files.filter(({ path }) => PICTURE.test(path)).sort((a, b) => (a.path < b.path ? -1 : 1))
    if (named.length === 0) throw new GliaError(`${source.name} holds no pictures (.png, .jpg).`)
    const { size } = this.spec
    const data = new Uint8Array(named.length * 3 * size * size)
    for (const [i, file] of named.entries()) {
      data.set(await pixels(file, decode, source.name, size), i * 3 * size * size)
    }
    const x = { data, shape: [3, size, size] }
    const logits = await (await predict(model, x, { batchSize: 64 })).data()
    const table = { name: '', columns: ['file'], rows: named.map(({ path }) => [path]), header: true }
    return writeTable({ ...table, lines: new Int32Array(named.length) }, classColumns(logits, this.classes, 'class'))
  }
}

/** A small convolutional network on pictures in a folder for each class. */
export const imageClassifier: FileRecipe = {
  name: NAME,
  description: 'Tells which class a picture belongs to, from a directory with a folder of pictures for each class',
  paper: 'Simonyan & Zisserman 2015, Very deep convolutional networks for large-scale image recognition',
  reads: 'pictures',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    checkShares(options)
    const size = options.size ?? (await usualSize(source))
    const { all, skipped, ignored } = await read(source, size)
    const classes = all.classes ?? []
    const shares = atRandom(all.length, options, all.y.data, source.name)
    const { width = 32, dropout = 0.3, weightDecay = 1e-2 } = options
    const { augment, why } = changeOf(classes, options.augment)
    return {
      task: new ImageTask({ classes, size, width, dropout, weightDecay, augment }),
      defaults: { epochs: 30, batchSize: shares.train.length < 2000 ? 16 : 64, lr: 2e-3, patience: 8 },
      train: subset(all, shares.train),
      validation: subset(all, shares.validation),
      test: subset(all, shares.test),
      skipped: [...skipped, ...ignored.map((path) => `${source.name}/${path} is no picture of a class.`)],
      choices: [
        ['classes', `${classes.length}: ${classes.slice(0, 10).join(', ')}${classes.length > 10 ? ' …' : ''}`],
        ['pictures', `${all.length.toLocaleString('en-US')}, scaled to ${size} × ${size} pixels`],
        ...leftOut(source, skipped, ignored),
        shares.choice,
        ['augmentation', why],
        ['model', `6 convolutions, from ${width} to ${4 * width} channels`],
        ['dropout', String(dropout)],
        ['weight decay', String(weightDecay)],
      ],
    }
  },
  restore(spec: unknown): Task {
    const keys = ['classes', 'size', 'width', 'dropout', 'weightDecay', 'augment'] as const
    return new ImageTask(specOf<ImageSpec>(NAME, spec, keys))
  },
}

/** Names of classes that a mirror turns into others: characters, spelt digits, and sides. */
const HANDED =
  /^(.|\d+|zero|one|two|three|four|five|six|seven|eight|nine|ten)$|(^|[^a-z])(left|right|(anti|counter)?clockwise)([^a-z]|$)/iu

/** @throws GliaError if `asked` is none of the changes */
function changeOf(classes: readonly string[], asked?: string): { augment: Change; why: string } {
  const known = CHANGES.find((change) => change === asked)
  if (asked !== undefined && known === undefined) {
    throw new GliaError(`--augment must be one of ${CHANGES.join(', ')}; received ${JSON.stringify(asked)}.`)
  }
  const handed = classes.find((name) => HANDED.test(name))
  const augment = known ?? (handed === undefined ? 'all' : 'shift')
  const because = known === undefined && handed !== undefined ? `, not mirrored, since there is a class ${handed}` : ''
  const words = { none: 'none', flip: 'mirrored', shift: 'moved', all: 'moved and mirrored' }
  return { augment, why: augment === 'none' ? words.none : `${words[augment]} at random${because}` }
}

function picturesOf({ name, pictures }: Source): NonNullable<Source['pictures']> {
  if (pictures) return pictures
  throw new GliaError(`${name} holds no pictures; name a directory with a folder of pictures for each class.`)
}

/** The shorter side of the first sound picture, from 16 to 64 pixels. */
async function usualSize(source: Source): Promise<number> {
  const { files, decode } = picturesOf(source)
  for (const { path, bytes } of files.filter((file) => PICTURE.test(file.path))) {
    try {
      const { width, height } = await decode(await bytes(), `${source.name}/${path}`)
      return Math.max(16, Math.min(64, width, height))
    } catch (error) {
      if (!(error instanceof GliaError)) throw error
    }
  }
  return 64
}

/** All sound pictures, and what is wrong with the others. @throws GliaError as `ImageFolder` does, or if none is sound */
async function read(
  source: Source,
  size: number,
  known?: readonly string[],
): Promise<{ all: ArrayDataset; skipped: readonly string[]; ignored: readonly string[] }> {
  const { files, decode } = picturesOf(source)
  const folder = new ImageFolder(files, decode, {
    name: source.name,
    size: [size, size],
    ...(known ? { classes: known } : {}),
  })
  const x: Column = { data: new Uint8Array(folder.length * 3 * size * size), shape: [3, size, size] }
  const labels: number[] = []
  const skipped: string[] = []
  const origins: string[] = []
  for (let i = 0; i < folder.length; i++) {
    try {
      const { data } = (await folder.get(i)).x
      x.data.set(data, labels.length * data.length)
      labels.push(folder.labels[i])
      origins.push(folder.paths[i])
    } catch (error) {
      if (!(error instanceof GliaError)) throw error
      skipped.push(error.message)
    }
  }
  if (labels.length === 0) throw new GliaError(`${source.name}: no picture can be read; the first: ${skipped[0]}`)
  const data = x.data.subarray(0, labels.length * 3 * size * size)
  const y = { data: Int32Array.from(labels), shape: [] }
  const all = arrayDataset({ x: { data, shape: x.shape }, y, classes: folder.classes, origins })
  return { all, skipped, ignored: folder.ignored }
}

/** What is not learned from, for people: the first few of each kind. */
function leftOut({ pictures }: Source, skipped: readonly string[], ignored: readonly string[]): Choice[] {
  const first = (names: readonly string[]): string => names.slice(0, 3).join(', ') + (names.length > 3 ? ' …' : '')
  const empty = pictures?.empty ?? []
  const rows: Choice[] = skipped.slice(0, 3).map((message) => ['left out', message])
  if (skipped.length > 3) rows.push(['left out', `${skipped.length - 3} more damaged pictures`])
  if (ignored.length > 0)
    rows.push(['not read', `${ignored.length} files that are no pictures of a class: ${first(ignored)}`])
  if (empty.length > 0) rows.push(['not read', `${empty.length} folders without pictures: ${first(empty)}`])
  return rows
}

async function pixels(file: PictureFile, decode: Decode, name: string, size: number): Promise<ArrayLike<number>> {
  const picture = await decode(await file.bytes(), file.path === name ? name : `${name}/${file.path}`)
  return fromPicture(resizeTo(picture, size, size)).data
}
