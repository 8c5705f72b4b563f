/** @file Programs that classify pictures. */

import { GliaError } from '../../core/errors.ts'
import type { ImageSpec } from '../../recipes/files/image-classifier.ts'
import type { Recipe } from '../../recipes/recipe.ts'
import type { Model } from '../../train/evaluate.ts'
import { about, addClasses, addLoad, addMain, awaitLoad, type Exported } from './common.ts'
import { layerSource } from './layers.ts'
import { literal, Program } from './program.ts'
import { sources } from './sources.ts'

/** A model of a recipe with data of its own: prints a line of JSON for each picture. */
export function picturesProgram(
  to: Exported,
  recipe: Recipe,
  model: Model,
  classes: readonly string[],
): { readonly program: Program; readonly text: string } {
  const program = new Program()
  const [channels, height, width] = recipe.inputShape
  const fit = classes.every((name) => /^\d$/.test(name))
  program.use('glia/data', 'Picture')
  program.use('glia/train', 'predict as outputsOf')
  program.use('glia/node', 'readImage')
  addClasses(program, classes)
  program.add(`export const model = ${layerSource(program, model)}`)
  addLoad(program)
  if (channels === 1) {
    program.use('glia/data', 'grayInput')
    program.add(`
/** Brightness, ${fit ? 'cut out and centred as in MNIST' : 'scaled to the size that the model takes'}: ${height} × ${width} bytes. */
function pixels(picture: Picture): Uint8Array {
  return grayInput(picture, { height: ${height}, width: ${width}, fit: ${fit} }).data
}`)
  } else if (channels === 3) {
    program.use('glia/data', 'fromPicture')
    program.add(sources.middle)
    program.add(`
/** The middle of the picture in the proportions that the model takes: 3 × ${height} × ${width} bytes. */
function pixels(picture: Picture): Uint8Array {
  return middle(fromPicture(picture), [${height}, ${width}])
}`)
  } else
    throw new GliaError(`export: the recipe ${recipe.name} takes pictures of ${channels} channels; 1 or 3 are known.`)
  program.add(sources.softmax)
  program.add(`
/** For each picture all classes, likeliest first. */
export async function predict(pictures: readonly Picture[]): Promise<Guess[][]> {
  if (pictures.length === 0) return []
  ${awaitLoad()}
  const shape = ${literal(recipe.inputShape)}
  const data = Uint8Array.from(pictures.flatMap((picture) => [...pixels(picture)]))
  const logits = await (await outputsOf(model, { data, shape })).data()
  return pictures.map((_, i) => {
    const probabilities = softmax(logits.subarray(i * classes.length, (i + 1) * classes.length))
    const guesses = classes.map((name, c) => ({ class: name, probability: probabilities[c] }))
    return guesses.sort((a, b) => b.probability - a.probability)
  })
}`)
  const usage = 'one.png two.png'
  addMain(
    program,
    to,
    usage,
    `
  for (const path of args) {
    const [guesses] = await predict([await readImage(path)])
    console.log(JSON.stringify({ file: path, index: 0, class: guesses[0].class, probabilities: guesses }))
  }`,
  )
  const does = `Tells which class a picture belongs to (${recipe.description[0].toLowerCase()}${recipe.description.slice(1)}).`
  return { program, text: program.text(about(to, does, usage)) }
}

/** A model of pictures in a folder for each class: prints a table of pictures and classes. */
export function imageClassifierProgram(
  to: Exported,
  spec: ImageSpec,
  model: Model,
): { readonly program: Program; readonly text: string } {
  const program = new Program()
  const { classes, size } = spec
  program.use('glia/data', 'Picture', 'fromPicture', 'resizeTo')
  program.use('glia/train', 'predict as outputsOf')
  program.use('glia/recipes', 'likeliest', 'cellTable', 'writeTable')
  program.use('glia/node', 'readImage')
  addClasses(program, classes)
  program.add(`export const model = ${layerSource(program, model)}`)
  addLoad(program)
  program.add(`
/** The likeliest class of each picture. */
export async function predict(pictures: readonly Picture[]): Promise<Guess[]> {
  if (pictures.length === 0) return []
  ${awaitLoad()}
  const pixels = pictures.map((picture) => fromPicture(resizeTo(picture, ${size}, ${size})).data)
  const data = new Uint8Array(pictures.length * ${3 * size * size})
  for (const [i, values] of pixels.entries()) data.set(values, i * ${3 * size * size})
  const outputs = await outputsOf(model, { data, shape: [3, ${size}, ${size}] }, { batchSize: 64 })
  return likeliest(await outputs.data(), classes)
}`)
  program.use('node:fs/promises', 'readdir', 'stat')
  program.use('node:path', 'basename', 'join')
  program.add(`
/** A picture, or those of a directory and its folders: names, and where they are. */
async function picturesAt(path: string): Promise<(readonly [name: string, path: string])[]> {
  if (!(await stat(path)).isDirectory()) return [[basename(path), path]]
  const names = (await readdir(path, { recursive: true })).filter((name) => /\\.(png|jpe?g)$/i.test(name))
  return names.sort().map((name) => [name.replaceAll('\\\\', '/'), join(path, name)] as const)
}`)
  const usage = 'pictures > predicted.csv'
  addMain(
    program,
    to,
    usage,
    `
  const found = await picturesAt(file)
  const pictures = await Promise.all(found.map(([, path]) => readImage(path)))
  const guesses = await predict(pictures)
  const table = cellTable(['file'], found.map(([name]) => ({ file: name })))
  const names = guesses.map((guess) => guess.class)
  const probability = guesses.map((guess) => guess.probability)
  process.stdout.write(writeTable(table, { 'predicted class': names, probability }))`,
  )
  return { program, text: program.text(about(to, 'Tells which class pictures belong to.', usage)) }
}
