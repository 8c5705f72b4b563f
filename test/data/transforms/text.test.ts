import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../src/data/random.ts'
import { BpeTokenizer } from '../../../src/data/transforms/bpe.ts'
import { huggingFaceTokenizer } from '../../../src/data/transforms/hugging-face.ts'
import { CharTokenizer, tokenItem, WordTokenizer, windows, words } from '../../../src/data/transforms/tokenizer.ts'
import { Vocabulary } from '../../../src/data/transforms/vocabulary.ts'
import { readText } from '../../../src/node/read.ts'

const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('Vocabulary', () => {
  test('frequent tokens first, then by their characters', () => {
    const vocabulary = Vocabulary.build([['b', 'a', 'c'], ['c', 'a'], ['d']], { maxSize: 5 })
    expect(vocabulary.tokens).toEqual(['<pad>', '<unk>', 'a', 'c', 'b'])
    expect([vocabulary.number('c'), vocabulary.number('zz'), vocabulary.token(4)]).toEqual([3, 1, 'b'])
    expect(Vocabulary.build([['a', 'a', 'b']], { minCount: 2 }).tokens).toEqual(['<pad>', '<unk>', 'a'])
    const again = Vocabulary.fromJSON(copy(vocabulary))
    expect([again.tokens, again.number('zz')]).toEqual([vocabulary.tokens, 1])
  })

  test('without a token for unknown ones they are errors', () => {
    const vocabulary = Vocabulary.fromJSON(copy(new Vocabulary(['a'])))
    expect(() => vocabulary.number('b')).toThrow('"b" is not known')
    expect(() => vocabulary.token(7)).toThrow('there is no token 7; there are 1')
    expect(() => new Vocabulary(['a', 'a'])).toThrow('a token occurs twice')
    expect(() => Vocabulary.fromJSON({})).toThrow('not what Vocabulary.toJSON returned')
  })
})

describe('words and characters', () => {
  test('words', () => {
    expect(words("It's well-made, naïve — 3 times…")).toEqual([
      "it's",
      'well-made',
      ',',
      'naïve',
      '—',
      '3',
      'times',
      '…',
    ])
    expect(words('Ab', true)).toEqual(['Ab'])
    expect(words('e\u0301\uD800')).toEqual(['é', '\uFFFD'])
    const tokenizer = WordTokenizer.train(['a good film', 'a bad film'])
    const numbers = tokenizer.encode('A great film')
    expect(tokenizer.decode(numbers)).toBe('a <unk> film')
    expect(WordTokenizer.fromJSON(copy(tokenizer)).encode('A great film')).toEqual(numbers)
  })

  test('characters come back', () => {
    const tokenizer = CharTokenizer.train(['héllo 𝄞\n'])
    expect(tokenizer.size).toBe(7)
    expect(tokenizer.decode(tokenizer.encode('𝄞 hé'))).toBe('𝄞 hé')
    expect(() => CharTokenizer.fromJSON(copy(tokenizer)).encode('x')).toThrow('"x" is not known')
  })

  test('documents and windows', () => {
    const tokenizer = CharTokenizer.train(['abcdef'])
    expect(tokenItem(tokenizer, 'abc', 2)).toEqual({ data: Int32Array.of(0, 1), shape: [2] })
    expect(() => tokenItem(tokenizer, '')).toThrow('has no tokens; leave it out')
    const source = windows(tokenizer.encode('abcdef'), 2)
    expect(source.length).toBe(2)
    expect(source.get(1)).toEqual({
      x: { data: Int32Array.of(2, 3), shape: [2] },
      y: { data: Int32Array.of(3, 4), shape: [2] },
    })
    expect(windows(tokenizer.encode('abcdef'), 2, 1).length).toBe(4)
    expect(() => windows(tokenizer.encode('ab'), 2)).toThrow('2 tokens hold no window of 2')
  })
})

describe('BpeTokenizer', () => {
  const texts = ['low low low low low lower lower newest newest newest newest newest newest widest widest widest']
  const tokenizer = BpeTokenizer.train(texts, { size: 256 + 10 + 1, specials: ['<eos>'] })

  test('learns the pairs of the paper first', () => {
    const made = (n: number): string => tokenizer.decode([n])
    // "es" and "st" are in newest and widest (10 times each), "lo" and "ow" in low and lower (7 times each).
    expect([256, 257].map(made)).toEqual(['es', 'est'])
    expect([256, 257, 258, 259, 260].map(made)).toContain('low')
    expect(tokenizer.size).toBe(267)
    expect(tokenizer.encode('newest').length).toBeLessThan(4)
    expect(tokenizer.special('<eos>')).toBe(266)
  })

  test('learns what counting anew after every merge learns', () => {
    const random = new Random(3)
    const text = Array.from(
      { length: 300 },
      () => 'abab'.slice(0, 1 + random.below(4)) + 'ccd'.slice(random.below(3)),
    ).join(' ')
    const { merges } = copy(BpeTokenizer.train([text], { size: 280 })) as { merges: number[][] }
    const pieces = (text.match(/ ?[a-z]+/g) ?? []).map((piece) => [...new TextEncoder().encode(piece)])
    for (const [n, merge] of merges.entries()) {
      const counts = new Map<string, number>()
      for (const piece of pieces) {
        for (let i = 0; i + 1 < piece.length; i++) {
          const key = `${piece[i]} ${piece[i + 1]}`
          counts.set(key, (counts.get(key) ?? 0) + 1)
        }
      }
      const order = [...counts].map(([key, count]) => [count, ...key.split(' ').map(Number)])
      order.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2])
      expect(merge).toEqual(order[0].slice(1))
      for (const piece of pieces) {
        for (let i = 0; i + 1 < piece.length; i++) {
          if (piece[i] === merge[0] && piece[i + 1] === merge[1]) piece.splice(i, 2, 256 + n)
        }
      }
    }
    expect(merges.length).toBeGreaterThan(10)
  })

  test('every text comes back, known or not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
      }),
      { numRuns: 200 },
    )
    expect(tokenizer.decode(tokenizer.encode('low<eos>low'))).toBe('low<eos>low')
    expect([...tokenizer.encode('<eos>')]).toEqual([266])
    expect(tokenizer.decode(tokenizer.encode('a\uD800'))).toBe('a\uFFFD')
  })

  test('can be saved', () => {
    const again = BpeTokenizer.fromJSON(copy(tokenizer))
    expect(again.encode('lowest newest<eos>')).toEqual(tokenizer.encode('lowest newest<eos>'))
    expect(() => BpeTokenizer.train(texts, { size: 100 })).toThrow('size must be at least 256')
    expect(() => tokenizer.decode([900])).toThrow('there is no token 900')
    expect(() => BpeTokenizer.fromJSON({})).toThrow('not what BpeTokenizer.toJSON returned')
  })

  test("Hugging Face's library reads it and agrees", async () => {
    const published = await huggingFaceTokenizer(tokenizer.toHuggingFace())
    expect(published.size).toBe(tokenizer.size)
    const samples = ['newest lower  widest\n\nlow, it’s 42!', "don't\tstop", 'ünïcödé 𝄞 日本語', 'a<eos>b', '  x', '']
    for (const text of samples) {
      expect([...published.encode(text)]).toEqual([...tokenizer.encode(text)])
      expect(published.decode(tokenizer.encode(text), { specials: true })).toBe(text)
    }
    expect(published.number('<eos>')).toBe(266)
  })

  test('other files are refused', async () => {
    await expect(huggingFaceTokenizer({ model: { type: 'none' } })).rejects.toThrow('this is no tokenizer.json')
  })
})

const data = process.env.GLIA_DATA ?? ''
describe.runIf(existsSync(join(data, 'text')))('published texts (needs GLIA_DATA)', () => {
  test('Shakespeare in 65 characters and in 1,000 byte pairs', async () => {
    const text = await readText(join(data, 'text/tinyshakespeare.txt.gz'))
    expect(CharTokenizer.train([text]).size).toBe(65)
    const tokenizer = BpeTokenizer.train([text.slice(0, 300_000)], { size: 1000 })
    const numbers = tokenizer.encode(text)
    expect(tokenizer.decode(numbers)).toBe(text)
    expect(text.length / numbers.length).toBeGreaterThan(2.2)
    const published = await huggingFaceTokenizer(tokenizer.toHuggingFace())
    expect([...published.encode(text.slice(0, 20_000))]).toEqual([...tokenizer.encode(text.slice(0, 20_000))])
  })
})
