/** @file Programs that classify texts, or write on. */

import type { TextClassSpec } from '../../recipes/files/text-classifier.ts'
import type { TextSpec } from '../../recipes/files/text-generator.ts'
import { TextTokens } from '../../recipes/files/text-tokens.ts'
import { about, addClasses, addLoad, addMain, awaitLoad, type Exported } from './common.ts'
import { keyOf, literal, Program, quoted } from './program.ts'
import { sources } from './sources.ts'

interface Written {
  readonly program: Program
  readonly text: string
}

/** Tells which class texts belong to. */
export function textClassifierProgram(to: Exported, spec: TextClassSpec): Written {
  const program = new Program()
  const { text, label, header, classes, tokens, context, width, dropout } = spec
  const bag = spec.model === 'bag'
  program.use('glia/train', 'predict as outputsOf')
  program.use('glia/recipes', 'likeliest', 'readTexts', 'textsOf', 'tokenNumbers', 'writeTable')
  addClasses(program, classes)
  const known = program.given('tokens', tokens, 'The vocabulary, most frequent first.')
  // Numbers before those of the vocabulary: none, and, where the order counts, one that is not known.
  const [specials, unknown] = bag ? [1, 'null'] : [2, '1']
  const counted = bag ? tokens.length : tokens.length + specials
  program.add(
    bag ? sources.BagOfTokens : sources.SentimentLstm,
    `export const model = new ${bag ? 'BagOfTokens' : 'SentimentLstm'}(${counted}, ${width}, ${classes.length}, ${dropout})`,
  )
  if (bag) program.add(sources.pairsOf)
  else program.use('glia/data', 'words')
  addLoad(
    program,
    `  const tokens: readonly string[] = ${known}`,
    `new Map(tokens.map((token, i) => [token, i + ${specials}]))`,
  )
  const place = bag ? 'i * CONTEXT' : '(i + 1) * CONTEXT - known.length'
  program.add(`
/** Tokens of a text that are looked at. */
const CONTEXT = ${context}

/** The likeliest class of each text. */
export async function predict(texts: readonly string[]): Promise<Guess[]> {
  if (texts.length === 0) return []
  ${awaitLoad('numbers')}
  const data = new Int32Array(texts.length * CONTEXT)
  for (const [i, text] of texts.entries()) {
    const known = tokenNumbers(${bag ? 'pairsOf' : 'words'}(text), numbers, ${unknown}).slice(0, CONTEXT)
    data.set(known, ${place})
  }
  const outputs = await outputsOf(model, { data, shape: [CONTEXT] }, { batchSize: 256 })
  return likeliest(await outputs.data(), classes)
}`)
  program.use('glia/node', 'readText')
  const usage = 'new.csv > predicted.csv'
  addMain(
    program,
    to,
    usage,
    `
  const table = await readTexts({ name: file, text: await readText(file) }, ${header})
  const predicted = await predict(textsOf(table, ${quoted(text)}))
  const names = predicted.map((guess) => guess.class)
  const probability = predicted.map((guess) => guess.probability)
  process.stdout.write(writeTable(table, { ${keyOf(`predicted ${label ?? 'class'}`)}: names, probability }))`,
  )
  return { program, text: program.text(about(to, 'Tells which class texts belong to.', usage)) }
}

/** Writes on. */
export function textGeneratorProgram(to: Exported, spec: TextSpec): Written {
  const program = new Program()
  const { model, context, width, layers, dropout } = spec
  const { size } = TextTokens.fromJSON(spec.tokens)
  program.use('glia/data', 'Random')
  program.use('glia/train', 'predict as outputsOf')
  program.use('glia/recipes', 'cleaned', 'TextTokens')
  const made = literal({ vocabulary: size, width, layers, dropout })
  const tokens = program.given('tokens', spec.tokens, 'What texts are cut into.')
  if (model === 'transformer') program.add(sources.Gpt, `export const model = new Gpt(${made})`)
  else program.add(sources.RecurrentText, `export const model = new RecurrentText(${quoted(model)}, ${made})`)
  addLoad(program, `  const tokens = TextTokens.fromJSON(${tokens})`, 'tokens')
  program.add(sources.drawn)
  program.add(`
/** Tokens that the model sees at once. */
const CONTEXT = ${context}

export interface Wishes {
  /** Characters to write, 500 by default. */
  readonly length?: number
  /** Below 1 is likelier, above 1 wilder; 0.8 by default. */
  readonly temperature?: number
  /** Of what is drawn; 0 by default. */
  readonly seed?: number
}

/** What follows on a text. */
export async function predict(prompt: string, wishes: Wishes = {}): Promise<string> {
  const { length = 500, temperature = 0.8, seed = 0 } = wishes
  ${awaitLoad('tokens')}
  const random = new Random(seed, 1)
  const all = [...tokens.encode(cleaned(prompt).text, 'The text')]
  const begin = all.length
  for (let written = 0; written < length; written += tokens.lengths[all[all.length - 1]]) {
    const seen = all.slice(-CONTEXT)
    // What comes after the last token is not looked at, and must be something.
    const data = new Int32Array(CONTEXT)
    data.set(seen)
    const outputs = await (await outputsOf(model, { data, shape: [CONTEXT] })).data()
    const start = (seen.length - 1) * tokens.size
    all.push(drawn(outputs.subarray(start, start + tokens.size), temperature, random.uniform()))
  }
  return tokens.decode(all.slice(begin))
}`)
  program.use('glia/node', 'readText')
  const usage = 'prompt.txt [characters]'
  addMain(
    program,
    to,
    usage,
    `
  // Editors end files with a line break that is not meant.
  const prompt = cleaned(await readText(file)).text.replace(/\\n$/, '')
  const written = await predict(prompt, args[1] === undefined ? {} : { length: Number(args[1]) })
  process.stdout.write(\`\${prompt}\${written}\\n\`)`,
  )
  return { program, text: program.text(about(to, 'Writes on in the manner of the text it was trained on.', usage)) }
}
