/**
 * @file Duplicate keys in JSON text. `JSON.parse` keeps the last of them silently, so two readers of one file could see
 * different tensors under one name.
 */

/**
 * The first key that occurs twice in one object of a JSON text, or `undefined`.
 *
 * @param text valid JSON: `JSON.parse` has accepted it
 */
export function duplicateKey(text: string): string | undefined {
  /** The keys of the enclosing objects, innermost last; `null` for an array. */
  const open: (Set<string> | null)[] = []
  /** Whether the next string is a key, if it stands in an object. */
  let atKey = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '"') {
      const end = endOfString(text, i)
      const keys = open.at(-1)
      if (atKey && keys) {
        // Parsed, because "a" and "\u0061" are one key.
        const key: string = JSON.parse(text.slice(i, end))
        if (keys.has(key)) return key
        keys.add(key)
      }
      atKey = false
      i = end - 1
    } else if (c === '{' || c === '[') {
      open.push(c === '{' ? new Set() : null)
      atKey = true
    } else if (c === '}' || c === ']') {
      open.pop()
    } else if (c === ',') {
      atKey = true
    }
  }
  return undefined
}

/** The position after the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}
