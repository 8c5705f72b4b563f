/**
 * @file Writes src/cli/export/sources.ts: the definitions of models and functions that exported programs contain, as they
 * stand in the recipes. Run it after a change of one of them: npm run export-sources
 */
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Definition } from '../src/cli/export/program.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What programs contain, and where it stands. */
const roots = {
  Gpt: 'src/recipes/files/gpt.ts',
  RecurrentText: 'src/recipes/files/text-recurrent.ts',
  BagOfTokens: 'src/recipes/files/text-models.ts',
  SentimentLstm: 'src/recipes/files/text-models.ts',
  Factors: 'src/recipes/files/recommender.ts',
  Forecaster: 'src/recipes/files/forecaster.ts',
  pairsOf: 'src/recipes/files/text-classifier.ts',
  drawn: 'src/recipes/files/text-generator.ts',
  softmax: 'src/cli/predict.ts',
  middle: 'src/cli/inputs.ts',
} as const

/** Public entries that export what these files and folders do. */
const entries: readonly [path: RegExp, entry: string][] = [
  [/^src\/nn\//, 'glia/nn'],
  [/^src\/tensor\//, 'glia'],
  [/^src\/data\//, 'glia/data'],
  [/^src\/recipes\/(standardize|files\/rescale)\.ts$/, 'glia/recipes'],
]

const DECLARATION =
  /(?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^(?:export )?(?:abstract )?(?:class|function|const|interface|type) (\w+)/gm
/** Words that are types wherever they stand. */
const PRIMITIVE = new Set(['number', 'string', 'boolean', 'unknown', 'void', 'object'])

interface Source {
  /** Declarations of the file by name, comments included. */
  readonly declarations: ReadonlyMap<string, string>
  /** Where imported names come from. */
  readonly imports: ReadonlyMap<string, string>
}

async function read(path: string): Promise<Source> {
  const text = await readFile(join(root, path), 'utf8')
  const imports = new Map<string, string>()
  const body = text.replace(/^import (?:type )?\{([^}]*)\} from '([^']*)'\n/gm, (_, names: string, from: string) => {
    const file = relative(root, join(root, dirname(path), from))
    for (const name of names.split(',')) imports.set(name.trim().replace(/^type /, ''), file)
    return ''
  })
  const declarations = new Map<string, string>()
  // A declaration, with the comment right before it, ends where the next one begins.
  const found = [...body.matchAll(DECLARATION)]
  for (const [i, match] of found.entries()) {
    const text = body.slice(match.index, found[i + 1]?.index)
    declarations.set(match[1], text.replace(/^export /m, '').trimEnd())
  }
  return { declarations, imports }
}

/** A declaration, and before it those of its own project that it needs. */
async function collect(
  name: string,
  path: string,
  into: { parts: Map<string, string>; imports: Map<string, Set<string>> },
): Promise<void> {
  if (into.parts.has(name)) return
  const { declarations, imports } = await read(path)
  const text = declarations.get(name)
  if (text === undefined) throw new Error(`${path} has no declaration of ${name}`)
  into.parts.set(name, '')
  const code = text.replace(/\/\*\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g, '')
  for (const word of new Set(code.match(/(?<![.#\w])[A-Za-z_]\w*/g))) {
    if (PRIMITIVE.has(word)) continue
    if (word !== name && declarations.has(word)) await collect(word, path, into)
    const from = imports.get(word)
    if (from === undefined) continue
    const entry = entries.find(([files]) => files.test(from))?.[1]
    if (entry) into.imports.set(entry, (into.imports.get(entry) ?? new Set()).add(word))
    else await collect(word, from, into)
  }
  // Last: what it needs stands before it.
  into.parts.delete(name)
  into.parts.set(name, text)
}

/** What the file is to hold. */
export async function definitions(): Promise<Record<string, Definition>> {
  const all: Record<string, Definition> = {}
  for (const [name, path] of Object.entries(roots)) {
    const into = { parts: new Map<string, string>(), imports: new Map<string, Set<string>>() }
    await collect(name, path, into)
    const imports = [...into.imports].map(([entry, names]) => [entry, [...names].sort()] as const)
    all[name] = { imports: Object.fromEntries(imports), text: [...into.parts.values()].join('\n\n') }
  }
  return all
}

function fileOf(all: Readonly<Record<string, Definition>>): string {
  const parts = Object.entries(all).map(([name, { imports, text }]) => {
    const template = text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
    return `${name}: { imports: ${JSON.stringify(imports)}, text: \`${template}\` }`
  })
  return `/** @file Definitions that exported programs contain. Written by scripts/export-sources.ts, from the recipes. */

import type { Definition } from './program.ts'

/** By the name that is exported or called. */
export const sources = { ${parts.join(',')} } as const satisfies Readonly<Record<string, Definition>>
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = join(root, 'src/cli/export/sources.ts')
  await writeFile(target, fileOf(await definitions()))
  execFileSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', target])
}
