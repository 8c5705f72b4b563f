/** @file Code blocks of the documentation, so that tests run what readers copy. */

export interface CodeBlock {
  readonly language: string
  /** From a comment in the first line, such as `// worker.js`; '' without one. */
  readonly name: string
  readonly code: string
}

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\S*)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
    language,
    name: /^(?:\/\/|<!--) (\S+\.\w+)(?: -->)?\n/.exec(code)?.[1] ?? '',
    code,
  }))
}
