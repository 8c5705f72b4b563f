/** @file Sentences parsed into phrases, each with a class: `(4 (3 (2 a) (4 fine)) (2 film))` (Socher et al. 2013). */

import { GliaError } from '../../core/errors.ts'

/** A phrase and its class. */
export interface Phrase {
  readonly label: string
  readonly text: string
}

/** How treebanks write what would be taken for their own brackets. */
const ESCAPES: Readonly<Record<string, string>> = { '-LRB-': '(', '-RRB-': ')' }

/** Whether a text looks like a tree: a bracket, a label, and something behind it. */
export function isTree(text: string): boolean {
  return /^\s*\([^\s()]+\s+[^\s].*\)\s*$/s.test(text)
}

/**
 * All phrases of a parsed sentence, the sentence itself first, the others as they begin.
 *
 * @param place for messages: `reviews.txt, line 3`
 * @throws GliaError if brackets do not match, or a label or word is missing
 */
export function phrasesOf(tree: string, place: string): Phrase[] {
  const marks = tree.match(/[()]|[^\s()]+/g) ?? []
  const wrong = (what: string): GliaError =>
    new GliaError(`${place}: this is no sentence parsed into phrases, such as (3 (2 a) (4 story)): ${what}.`)
  const phrases: { label: string; words: string[] }[] = []
  const open: { label: string; words: string[] }[] = []
  for (let i = 0; i < marks.length; i++) {
    const mark = marks[i]
    if (mark === '(') {
      const label = marks[++i]
      if (label === undefined || label === '(' || label === ')') throw wrong('a bracket has no label')
      if (open.length === 0 && phrases.length > 0) throw wrong('there are two')
      const phrase = { label, words: [] }
      phrases.push(phrase)
      open.push(phrase)
    } else if (mark === ')') {
      const closed = open.pop()
      if (!closed) throw wrong('a bracket closes that was not opened')
      if (closed.words.length === 0) throw wrong('a phrase has no words')
    } else {
      if (open.length === 0) throw wrong(`${JSON.stringify(mark)} stands outside`)
      for (const phrase of open) phrase.words.push(ESCAPES[mark] ?? mark.replaceAll('\\/', '/'))
    }
  }
  if (open.length > 0 || phrases.length === 0) throw wrong('a bracket does not close')
  return phrases.map(({ label, words }) => ({ label, text: words.join(' ') }))
}
