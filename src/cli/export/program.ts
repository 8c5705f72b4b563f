/** @file The text of a program: imports that follow from what is used, and values as literals. */

import { GliaError } from '../../core/errors.ts'

/** A piece of a program, and what it imports. */
export interface Definition {
  /** Names by entry: `{ 'glia/nn': ['Linear'] }`. */
  readonly imports: Readonly<Record<string, readonly string[]>>
  readonly text: string
}

/** Names that are types alone. */
const TYPES = new Set(['Cell', 'Item', 'Picture', 'Tensor'])
const WIDTH = 120
/** Longer values are saved with the weights. */
const MOST_CHARACTERS = 3000

/** A program in the making. */
export class Program {
  readonly #imports = new Map<string, Set<string>>()
  readonly #parts: string[] = []
  /** Texts to be saved with the weights. */
  readonly metadata: Record<string, string> = {}

  /** Imports names of a module. */
  use(from: string, ...names: readonly string[]): void {
    const known = this.#imports.get(from) ?? new Set()
    for (const name of names) known.add(name)
    this.#imports.set(from, known)
  }

  /** Adds a piece; pieces stand in the order in which they come, with a line between them. */
  add(...parts: readonly (string | Definition)[]): void {
    for (const part of parts) {
      if (typeof part === 'string') this.#parts.push(part.trim())
      else {
        for (const [from, names] of Object.entries(part.imports)) this.use(from, ...names)
        this.#parts.push(part.text)
      }
    }
  }

  /**
   * An expression for a value that may be large: the name of a constant, or what reads it from the texts `metadata` that
   * were saved with the weights.
   */
  given(name: string, value: unknown, comment: string): string {
    const text = literal(value)
    if (text.length <= MOST_CHARACTERS) {
      const constant = name.toUpperCase()
      this.add(`/** ${comment} */\nconst ${constant} = ${text}`)
      return constant
    }
    this.metadata[name] = JSON.stringify(value)
    return `JSON.parse(metadata.get('${name}') ?? 'null')`
  }

  /** The whole text. @param about what it is, for the comment at the top */
  text(about: string): string {
    const lines = [...this.#imports].map(([from, names]) => {
      const own = from.startsWith('node:') ? 0 : 1
      return { from, own, names: [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)) }
    })
    lines.sort((a, b) => a.own - b.own || (a.from < b.from ? -1 : 1))
    const imports = lines.map(({ from, names }) => importLine(from, names))
    const comment = `/**\n${about
      .split('\n')
      .map((line) => ` * ${line}`.trimEnd())
      .join('\n')}\n */`
    return `${comment}\n\n${imports.join('\n')}\n\n${this.#parts.join('\n\n')}\n`
  }
}

function importLine(from: string, names: readonly string[]): string {
  const named = names.map((name) => (TYPES.has(name) ? `type ${name}` : name))
  const line = `import { ${named.join(', ')} } from '${from}'`
  return line.length <= WIDTH ? line : `import {\n${named.map((name) => `  ${name},`).join('\n')}\n} from '${from}'`
}

/**
 * A value of numbers, texts, lists and objects as a literal, on one line if it fits.
 *
 * @throws GliaError for anything else
 */
export function literal(value: unknown, indent = ''): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (typeof value !== 'object') throw new GliaError(`export: ${String(value)} cannot be written into a program.`)
  const inner = `${indent}  `
  const list = Array.isArray(value)
  const parts = list
    ? value.map((item) => literal(item, inner))
    : Object.entries(value).flatMap(([key, item]) =>
        item === undefined ? [] : [`${keyOf(key)}: ${literal(item, inner)}`],
      )
  const [open, close] = list ? ['[', ']'] : ['{', '}']
  if (parts.length === 0) return `${open}${close}`
  const line = list ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`
  if (!line.includes('\n') && indent.length + line.length < WIDTH - 20) return line
  return `${open}\n${rows(parts, inner, list)}\n${indent}${close}`
}

/** Short items of a list several to a line, all else one a line. */
function rows(parts: readonly string[], indent: string, fill: boolean): string {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (fill && last !== undefined && !part.includes('\n') && last.length + part.length + 2 < WIDTH) {
      lines[lines.length - 1] = `${last} ${part},`
    } else lines.push(`${indent}${part},`)
  }
  return lines.join('\n')
}

/** A text as a literal in single quotes. */
export function quoted(text: string): string {
  const inside = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  // Separators that JSON leaves as they are.
  return `'${inside.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}

/** A property's name, in quotation marks where it needs them. */
export function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}
