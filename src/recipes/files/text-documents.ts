/** @file Texts with their classes, from a table's columns or from parsed sentences, and their shares. */

import { GliaError } from '../../core/errors.ts'
import { linesOf } from '../../data/readers/text.ts'
import { classNames, classNumbers } from './classes.ts'
import { type Shares, shareOut } from './shares.ts'
import { cellsOf, columnIndex, readTable, type Table } from './table.ts'
import type { Choice, FileOptions, Source } from './task.ts'
import { brokenText, cleaned } from './text-tokens.ts'
import { isTree, type Phrase, phrasesOf } from './text-trees.ts'

/** A text and the number of its class. */
export interface Labelled {
  readonly text: string
  readonly label: number
  /** The line it is in. */
  readonly line: number
}

/** The texts of a table. */
export interface Documents {
  /** Names of the columns of texts and classes; parsed sentences say their classes themselves. */
  readonly text: string
  readonly label: string | null
  readonly classes: readonly string[]
  /** One for each row. */
  readonly sentences: readonly Labelled[]
  /** The phrases of each row's sentence, the sentence included; null if they are not parsed. */
  readonly phrases: readonly (readonly Labelled[])[] | null
  /** Halves of characters that became U+FFFD. */
  readonly broken: number
}

/** A table, or parsed sentences one a line as a table of one column. @throws GliaError as `readTable` does */
export async function readTexts(source: Source, header?: boolean): Promise<Table> {
  const lines = linesOf(source.text)
  const first = lines.find((line) => line.trim() !== '')
  if (first === undefined || !isTree(first)) return readTable(source, header)
  const there = lines.flatMap((line, i) => (line.trim() === '' ? [] : [i]))
  return {
    name: source.name,
    columns: ['sentence'],
    rows: there.map((i) => [lines[i]]),
    lines: Int32Array.from(there, (i) => i + 1),
    header: false,
  }
}

/** The texts of a column; of parsed sentences, the sentences. @throws GliaError if the column is missing or a tree is none */
export function textsOf(table: Table, column: string): string[] {
  const { texts } = columnOf(table, column)
  if (!texts.every(isTree)) return texts
  return texts.map((tree, i) => phrasesOf(tree, placeOf(table, i))[0].text)
}

/**
 * The texts of a table and their classes. A column of which all texts are parsed sentences gives their phrases, too.
 *
 * @param columns where the texts and classes stand; parsed sentences need no classes
 * @param classes those that a model knows; null to find them
 * @throws GliaError if a column is missing, a tree is none, or a class is not known
 */
export function documentsOf(
  table: Table,
  columns: { readonly text: string; readonly label: string | null },
  classes: readonly string[] | null,
): Documents {
  const { name, texts, broken } = columnOf(table, columns.text)
  if (texts.every(isTree)) return { text: name, label: null, broken, ...ofTrees(table, texts, classes) }
  if (columns.label === null) {
    throw new GliaError(`${table.name}: ${name} holds no parsed sentences; say with --label where the classes stand.`)
  }
  const column = columnIndex(table, columns.label, classes ? 'Classes' : '--label')
  const names = classes ?? classNames(table, column)
  const labels = classNumbers(table, column, names)
  const sentences = texts.map((text, i) => ({ text, label: labels[i], line: table.lines[i] }))
  return { text: name, label: table.columns[column], classes: names, sentences, phrases: null, broken }
}

function columnOf(table: Table, column: string): { name: string; texts: string[]; broken: number } {
  const at = columnIndex(table, column, '--text')
  const sound = cellsOf(table, at).map(cleaned)
  const broken = sound.reduce((sum, cell) => sum + cell.broken, 0)
  return { name: table.columns[at], texts: sound.map(({ text }) => text), broken }
}

function placeOf(table: Table, row: number): string {
  return `${table.name}, line ${table.lines[row]}`
}

/** The labels of trees are checked like those of a column. */
function ofTrees(
  table: Table,
  trees: readonly string[],
  classes: readonly string[] | null,
): Pick<Documents, 'classes' | 'sentences' | 'phrases'> {
  const parsed = trees.map((tree, i) => phrasesOf(tree, placeOf(table, i)))
  const all = parsed.flatMap((phrases, i) => phrases.map(({ label }) => ({ label, line: table.lines[i] })))
  const labels: Table = {
    ...table,
    columns: ['class'],
    rows: all.map(({ label }) => [label]),
    lines: Int32Array.from(all, ({ line }) => line),
  }
  const names = classes ?? classNames(labels, 0)
  const numbers = classNumbers(labels, 0, names)
  let next = 0
  const phrases = parsed.map((sentence, i) =>
    sentence.map(({ text }: Phrase) => ({ text, label: numbers[next++], line: table.lines[i] })),
  )
  return { classes: names, sentences: phrases.map(([sentence]) => sentence), phrases }
}

/** Which texts train, validate and test. */
export interface TextShares {
  readonly train: readonly Labelled[]
  readonly validation: readonly Labelled[]
  readonly test: readonly Labelled[]
  readonly choice: Choice
  /** What was left out, and what was added. */
  readonly notes: readonly Choice[]
}

/**
 * Divides texts; of parsed sentences, all phrases of those that train do so.
 *
 * @param hasWords texts without any are left out, and named
 * @throws GliaError if a share would be empty
 */
export function divided(
  documents: Documents,
  table: Table,
  options: FileOptions,
  hasWords: (text: string) => boolean,
): TextShares {
  const { sentences, phrases } = documents
  const there = sentences.flatMap(({ text }, i) => (hasWords(text) ? [i] : []))
  const rows = new Set(there)
  const empty = sentences.filter((_, i) => !rows.has(i)).map(({ line }) => line)
  const kept: Table = {
    ...table,
    rows: there.map((i) => table.rows[i]),
    lines: Int32Array.from(there, (i) => table.lines[i]),
  }
  const shares: Shares = shareOut(
    kept,
    options,
    there.map((i) => sentences[i].label),
  )
  const pick = (indices: Int32Array): Labelled[] => Array.from(indices, (i) => sentences[there[i]])
  const parsed = phrases && Array.from(shares.train).flatMap((i) => different(phrases[there[i]]))
  const notes: Choice[] = []
  if (empty.length > 0) notes.push(['left out', `${counted(empty.length, 'text')} without words: ${linesText(empty)}`])
  if (documents.broken > 0) notes.push(['damage', brokenText(documents.broken)])
  if (parsed) notes.push(['phrases', `${counted(parsed.length, 'phrase')} of the training sentences train`])
  const train = parsed ?? pick(shares.train)
  return { train, validation: pick(shares.validation), test: pick(shares.test), choice: shares.choice, notes }
}

/** A phrase that a sentence holds twice, or within itself, once. */
function different(phrases: readonly Labelled[]): Labelled[] {
  return [...new Map(phrases.map((phrase) => [`${phrase.label} ${phrase.text}`, phrase])).values()]
}

const MOST_LINES = 10

function linesText(lines: readonly number[]): string {
  const more = lines.length > MOST_LINES ? ' …' : ''
  return `line${lines.length > 1 ? 's' : ''} ${lines.slice(0, MOST_LINES).join(', ')}${more}`
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`
}

/** The numbers of tokens; `unknown` for those that have none, or nothing if it is null. */
export function numbersOf(
  tokens: readonly string[],
  numbers: ReadonlyMap<string, number>,
  unknown: number | null,
): number[] {
  return tokens.flatMap((token) => numbers.get(token) ?? unknown ?? [])
}
