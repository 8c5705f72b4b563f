/** @file What exported programs have in common. */

import { literal, type Program } from './program.ts'

/** What a program is made from. */
export interface Exported {
  /** Directory of the run, for the comment at the top. */
  readonly run: string
  /** Version of Glia. */
  readonly version: string
  /** Name of the file to be written. */
  readonly file: string
}

/** The comment at the top. @param takes what stands on the command line, `new.csv > predicted.csv` */
export function about({ run, version, file }: Exported, does: string, takes: string): string {
  return (
    `${wrapped(`${does} Written by glia export from ${run}, with Glia ${version}.`)}\n\n` +
    `  npx tsx ${file} ${takes}\n\n` +
    'Node runs it by itself from version 22.18 on. It needs the package glia, and model.safetensors beside it; other\n' +
    'programs import `predict` from it.'
  )
}

/**
 * Adds a function `load` that gives the model its weights once.
 *
 * @param also further lines of it, which may read the texts `metadata` saved with the weights
 * @param returns an expression of what it resolves with
 */
export function addLoad(program: Program, also = '', returns = ''): void {
  program.use('glia/node', 'loadWeights')
  const metadata = also.includes('metadata') || returns.includes('metadata')
  const body = [
    `  ${metadata ? 'const metadata = ' : ''}await loadWeights(model, new URL('model.safetensors', import.meta.url))`,
    ...(also === '' ? [] : [also.trimEnd()]),
    ...(returns === '' ? [] : [`  return ${returns}`]),
  ]
  program.add(`
let loaded: ReturnType<typeof load> | undefined

/** Gives the model its weights. To be called once. */
async function load() {
${body.join('\n')}
}`)
}

/** Adds the names of classes, and what a model says of an example. */
export function addClasses(program: Program, classes: readonly string[]): void {
  program.add(`/** By class number. */\nexport const classes = ${literal(classes)} as const`)
  program.add(`
/** A class and its probability. */
export interface Guess {
  readonly class: (typeof classes)[number]
  readonly probability: number
}`)
}

/** The line of `predict` that has everything loaded. */
export function awaitLoad(what = ''): string {
  return `${what === '' ? '' : `const ${what} = `}await (loaded ??= load())`
}

/** Adds what runs the file as a program. @param usage what stands on the command line */
export function addMain(program: Program, { file }: Exported, usage: string, body: string): void {
  program.use('glia', 'enableV8Flags')
  program.use('node:fs', 'realpathSync')
  program.use('node:url', 'fileURLToPath')
  program.add(`
async function main(...args: readonly string[]): Promise<void> {
  const [file] = args
  if (file === undefined) throw new Error('Name a file: npx tsx ${file} ${usage}')
  enableV8Flags()
${body.replace(/^\n|\n\s*$/g, '')}
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main(...process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}`)
}

/** A text in lines of a comment's width. */
function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(/\s+/)) {
    const last = lines[lines.length - 1]
    if (last !== '' && last.length + word.length > 115) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.join('\n')
}
