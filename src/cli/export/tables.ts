/** @file Programs that predict from tables. */

import { TableEncoder } from '../../data/transforms/table.ts'
import type { ForecastSpec } from '../../recipes/files/forecast.ts'
import type { RecommenderSpec } from '../../recipes/files/recommender.ts'
import type { TabularSpec } from '../../recipes/files/tabular.ts'
import type { Model } from '../../train/evaluate.ts'
import { about, addClasses, addLoad, addMain, awaitLoad, type Exported } from './common.ts'
import { layerSource } from './layers.ts'
import { keyOf, literal, Program, quoted } from './program.ts'
import { sources } from './sources.ts'

interface Written {
  readonly program: Program
  readonly text: string
}

const USAGE = 'new.csv > predicted.csv'

/** `const table = …`, as `glia predict` reads it. */
function readsTable(program: Program, header: boolean): string {
  program.use('glia/node', 'readText')
  program.use('glia/recipes', 'readTable')
  return `  const table = await readTable({ name: file, text: await readText(file) }, ${header})`
}

/** Adds what the model looks at, and returns an expression for how that becomes numbers. */
function addEncoder(program: Program, encoder: unknown): string {
  const columns = TableEncoder.fromJSON(encoder).columns.map(({ column }) => column)
  program.use('glia/data', 'TableEncoder')
  program.use('glia/train', 'predict as outputsOf')
  program.use('glia/recipes', 'Cell', 'cellTable', 'encodable', 'tableCells')
  program.add(`
/** What the model looks at. */
export const columns = ${literal(columns)} as const

/** Numbers, or texts as they stand in files; null is a gap. */
export type Row = { readonly [column in (typeof columns)[number]]: Cell }`)
  return program.given('encoder', encoder, 'Scales and categories of the training rows.')
}

/** Predicts a column from the others. */
export function tabularProgram(to: Exported, spec: TabularSpec, model: Model): Written {
  const program = new Program()
  const { target, classes, header } = spec
  program.use('glia/recipes', 'writeTable')
  if (classes) addClasses(program, classes)
  const encoder = addEncoder(program, spec.encoder)
  program.add(`export const model = ${layerSource(program, model)}`)
  addLoad(program, '', `TableEncoder.fromJSON(${encoder})`)
  if (classes) program.use('glia/recipes', 'likeliest')
  const result = classes ? 'Guess' : 'number'
  program.add(`
/** ${classes ? `The likeliest ${oneLine(target)}` : oneLine(target)} of each row. */
export async function predict(rows: readonly Row[]): Promise<${result}[]> {
  if (rows.length === 0) return []
  ${awaitLoad('encoder')}
  const inputs = encoder.inputs(encodable(cellTable(columns, rows), encoder))
  const outputs = await (await outputsOf(model, inputs, { batchSize: 256 })).data()
  return ${classes ? 'likeliest(outputs, classes)' : 'Array.from(outputs)'}
}`)
  const added = classes
    ? `{
    ${keyOf(`predicted ${target}`)}: predicted.map((guess) => guess.class),
    probability: predicted.map((guess) => guess.probability),
  }`
    : `{ ${keyOf(`predicted ${target}`)}: predicted.map((value) => Number(value.toPrecision(6))) }`
  addMain(
    program,
    to,
    USAGE,
    `
${readsTable(program, header)}
  const predicted = await predict(tableCells(table, columns))
  process.stdout.write(writeTable(table, ${added}))`,
  )
  return { program, text: program.text(about(to, `Predicts ${oneLine(target)} from other columns of a table.`, USAGE)) }
}

/** Predicts the next rows of a column. */
export function forecastProgram(to: Exported, spec: ForecastSpec): Written {
  const program = new Program()
  const { target, window, horizon, width, dropout, scale, header } = spec
  const { features } = TableEncoder.fromJSON(spec.encoder)
  const made = { features: features.length, target: features.indexOf(target), window, horizon, width, dropout, scale }
  const encoder = addEncoder(program, spec.encoder)
  program.add(sources.Forecaster, `export const model = new Forecaster(${literal(made)})`)
  addLoad(program, '', `TableEncoder.fromJSON(${encoder})`)
  program.add(`
/** Rows that the model looks back on. */
const WINDOW = ${window}

/** ${oneLine(target)} in the ${horizon === 1 ? 'row' : `${horizon} rows`} to come after the last of these. */
export async function predict(rows: readonly Row[]): Promise<number[]> {
  if (rows.length < WINDOW) throw new Error(\`\${rows.length} rows are too few; the model looks back on \${WINDOW}.\`)
  ${awaitLoad('encoder')}
  const { data, shape } = encoder.inputs(encodable(cellTable(columns, rows.slice(-WINDOW)), encoder))
  return Array.from(await (await outputsOf(model, { data, shape: [WINDOW, ...shape] })).data())
}`)
  addMain(
    program,
    to,
    USAGE,
    `
${readsTable(program, header)}
  const values = await predict(tableCells(table, columns))
  console.log(${quoted(`rows ahead,predicted ${target}`)})
  for (const [i, value] of values.entries()) console.log(\`\${i + 1},\${Number(value.toPrecision(6))}\`)`,
  )
  const does = `Predicts what ${oneLine(target)} will be in the next row${horizon === 1 ? '' : 's'} of a table.`
  return { program, text: program.text(about(to, does, USAGE)) }
}

/** Predicts ratings. */
export function recommenderProgram(to: Exported, spec: RecommenderSpec): Written {
  const program = new Program()
  const { user, item, rating, header, users, items, width, dropout, scale } = spec
  program.use('glia/train', 'predict as outputsOf')
  program.use('glia/recipes', 'tableCells', 'writeTable')
  program.add(sources.Factors)
  const known = program.given('users', users, 'Users by number, from 1; number 0 stands for all others.')
  const listed = program.given('items', items, 'Items by number, from 1; number 0 stands for all others.')
  const made = { users: users.length, items: items.length, width, dropout, scale }
  program.add(`export const model = new Factors(${literal(made)})`)
  addLoad(
    program,
    `  const numbers = (names: readonly string[]): Map<string, number> => new Map(names.map((name, i) => [name, i + 1]))`,
    `{ users: numbers(${known}), items: numbers(${listed}) }`,
  )
  program.add(`
/** Who rates what. */
export interface Pair {
  readonly user: string | number
  readonly item: string | number
}

/** What each user will make of each item. */
export async function predict(pairs: readonly Pair[]): Promise<number[]> {
  if (pairs.length === 0) return []
  ${awaitLoad('{ users, items }')}
  const of = (numbers: ReadonlyMap<string, number>, name: string | number): number => numbers.get(String(name).trim()) ?? 0
  const data = Int32Array.from(pairs.flatMap(({ user, item }) => [of(users, user), of(items, item)]))
  return Array.from(await (await outputsOf(model, { data, shape: [2] }, { batchSize: 1024 })).data())
}`)
  addMain(
    program,
    to,
    USAGE,
    `
${readsTable(program, header)}
  const cells = tableCells(table, [${quoted(user)}, ${quoted(item)}])
  const predicted = await predict(cells.map((row) => ({ user: row[${quoted(user)}], item: row[${quoted(item)}] })))
  process.stdout.write(
    writeTable(table, { ${keyOf(`predicted ${rating}`)}: predicted.map((value) => Number(value.toPrecision(5))) }),
  )`,
  )
  const does = `Predicts ${oneLine(rating)}: how users (${oneLine(user)}) will rate items (${oneLine(item)}).`
  return { program, text: program.text(about(to, does, USAGE)) }
}

/** A column's name, fit for a comment. */
function oneLine(name: string): string {
  return name.replace(/\s+/g, ' ').replaceAll('*/', '* /')
}
