/** @file Recipes for files of texts: they learn, write, tell classes apart, and refuse what they cannot use. */

import { beforeEach, describe, expect, it } from 'vitest'
import { BpeTokenizer } from '../../src/data/transforms/bpe.ts'
import { createDevice, manualSeed, randn, setDefaultDevice, tensor } from '../../src/index.ts'
import { summary } from '../../src/nn/index.ts'
import { type FileOptions, fileRecipes, type Prepared, type Source, type Task } from '../../src/recipes/files/index.ts'
import { SentimentLstm, tellingOf } from '../../src/recipes/files/text-models.ts'
import { phrasesOf } from '../../src/recipes/files/text-trees.ts'
import { evaluate, fit, type Model, type Scores } from '../../src/train/index.ts'

const csv = (lines: readonly string[]): Source => ({ name: 'a.csv', text: `${lines.join('\n')}\n` })

beforeEach(async () => {
  setDefaultDevice(await createDevice('wasm', { threads: 1 }))
  manualSeed(0)
})

/** Trains as `glia train` does, without stopping early. */
async function learn({ task, train, test, defaults }: Prepared, epochs: number): Promise<[Model, Scores]> {
  const model = task.build(train)
  const { batchSize, lr } = defaults
  const { loss, metrics } = task
  const steps = Math.ceil(train.length / batchSize) * epochs
  await fit(model, train, {
    loss,
    ...(task.schedule ? { schedule: task.schedule(steps) } : {}),
    optimizer: task.optimizer(model.parameters(), lr),
    metrics,
    epochs,
    batchSize,
  })
  return [model, await evaluate(model, test, { loss, metrics })]
}

/** As `run.json` gives it back. */
const restored = (recipe: string, task: Task): Task =>
  fileRecipes[recipe].restore(JSON.parse(JSON.stringify(task.spec)))

describe('text-generator', () => {
  const text = 'the cat sat on the mat, and the dog sat on the log.\n'.repeat(60)
  const small = { context: 16, width: 32, layers: 1 }
  const { prepare } = fileRecipes['text-generator']
  const of = (options: FileOptions, own = text): Promise<Prepared> => prepare({ name: 'a.txt', text: own }, options)
  const choice = ({ choices }: Prepared, name: string): string | undefined => choices.find(([key]) => key === name)?.[1]

  it('learns to write on, the same for the same seed', async () => {
    const prepared = await of(small)
    const { train, validation, test, task } = prepared
    // Shifted by one; training windows overlap by half, the others do not.
    const rows = (data: ArrayLike<number>, from: number, to: number): number[] => Array.from(data).slice(from, to)
    expect(rows(train.y.data, 0, 16)).toEqual([...rows(train.x.data, 1, 16), train.x.data[24]])
    expect(rows(train.x.data, 16, 24)).toEqual(rows(train.x.data, 8, 16))
    expect(test.x.data[16]).toBe(test.y.data[15])
    // Shares are runs of the text, each of its own.
    expect((train.length + 1) / 2 + validation.length + test.length).toBeLessThanOrEqual(text.length / 16)
    const [model, scores] = await learn(prepared, 3)
    expect(scores.accuracy).toBeGreaterThan(0.7)
    expect(scores['bits per character']).toBeCloseTo(scores.loss / Math.LN2, 5)
    expect(scores.perplexity).toBeCloseTo(Math.exp(scores.loss), 5)
    const again = restored('text-generator', task)
    const ask = (seed: number, temperature: number): Promise<string> =>
      again.predict(model, { name: 'p.txt', text: 'the cat sat on the m\n' }, { length: 30, temperature, seed })
    const written = await ask(0, 0.01)
    expect(written.startsWith('the cat sat on the m')).toBe(true)
    expect(written).toHaveLength('the cat sat on the m'.length + 31)
    expect(await ask(1, 1)).toBe(await ask(1, 1))
    expect(await ask(2, 3)).not.toBe(await ask(1, 3))
  }, 120_000)

  it.each(['transformer', 'gru', 'lstm'])('looks with a %s at nothing that comes later', async (model) => {
    const { task } = await of({ ...small, model })
    const network = task.build().eval()
    // Some of the weights begin as zeros.
    for (const p of network.parameters()) if (p.rank >= 2) p.assign(randn(p.shape).mul(0.3))
    const logits = async (last: number): Promise<number[]> => {
      const x = tensor(Int32Array.of(1, 2, 3, 4, 5, last), { shape: [1, 6] })
      return [...(await network.call(x).narrow(1, 0, 6).data())]
    }
    const [a, b] = [await logits(6), await logits(7)]
    const perStep = a.length / 6
    expect(a.slice(0, 5 * perStep)).toEqual(b.slice(0, 5 * perStep))
    expect(a.slice(5 * perStep)).not.toEqual(b.slice(5 * perStep))
  })

  it('cuts words into pieces, and measures them by the character', async () => {
    const own = `${text}Žluťoučký kůň\n`.repeat(4)
    const prepared = await of({ ...small, tokens: 'bpe', vocabulary: 300, model: 'gru' }, own)
    expect(choice(prepared, 'tokens')).toMatch(/^\d+ pieces/)
    const [model, scores] = await learn(prepared, 1)
    const { test, task } = prepared
    // All targets, in order: how many characters they stand for is what the text has.
    const again = restored('text-generator', task)
    const nats = scores.loss * test.y.data.length
    const pieces = BpeTokenizer.fromJSON((task.spec as { tokens: unknown }).tokens)
    const characters = [...pieces.decode(test.y.data)].length
    expect(scores['bits per character']).toBeCloseTo(nats / characters / Math.LN2, 1)
    const written = await again.predict(model, { name: 'p', text: 'the cat' }, { length: 20 })
    expect(written.length).toBeGreaterThanOrEqual('the cat'.length + 20)
    expect((await again.examples({ name: 'b', text: own })).length).toBeGreaterThan(test.length)
  }, 120_000)

  it('takes letters that are cut in half for what they are', async () => {
    const prepared = await of(small, `${text}\ud83d and \udc00${text}\ud83d\ude00`)
    expect(choice(prepared, 'damage')).toBe('2 halves of characters became U+FFFD')
    expect(choice(await of(small), 'damage')).toBeUndefined()
  })

  it('refuses texts too short, or of one character, prompts of unknown ones, and kinds that there are not', async () => {
    await expect(of({}, 'short')).rejects.toThrow(/a\.txt has 5 characters/)
    await expect(of({}, 'a'.repeat(5000))).rejects.toThrow(/1 of them different/)
    await expect(of({ ...small, model: 'rnn' })).rejects.toThrow(
      /--model must be transformer, gru, lstm; received "rnn"/,
    )
    await expect(of({ ...small, tokens: 'word' })).rejects.toThrow(/--tokens must be char, bpe/)
    await expect(of({ ...small, width: 33 })).rejects.toThrow(/multiple of 32/)
    await expect(of({ ...small, tokens: 'bpe', vocabulary: 100 })).rejects.toThrow(/at least 256/)
    const { task } = await of(small)
    await expect(task.predict(task.build(), { name: 'p', text: 'ЖЖ' })).rejects.toThrow(
      /no character that the model knows/,
    )
    expect(() => fileRecipes['text-generator'].restore({ ...task.spec, tokens: {} })).toThrow(/what its tokens are/)
  })
})

describe('text-classifier', () => {
  const words = ['film', 'story', 'cast', 'score', 'end']
  const rows = Array.from({ length: 200 }, (_, i) => {
    const [word, other] = [words[i % 5], words[(i * 3) % 4]]
    return i % 2 === 0 ? `"a fine ${word}, a good ${other}",pos` : `"a dull ${word}, a bad ${other}",neg`
  })
  const options = { text: 'review', label: 'mood' }

  it('learns which words tell classes', async () => {
    const prepared = await fileRecipes['text-classifier'].prepare(csv(['review,mood', ...rows]), options)
    expect(prepared.task.classes).toEqual(['neg', 'pos'])
    const [model, { accuracy }] = await learn(prepared, 8)
    expect(accuracy).toBe(1)
    const again = restored('text-classifier', prepared.task)
    const table = await again.predict(model, csv(['n,review', '1,a good cast', '2,Unheard BAD story']))
    expect(table).toMatch(/^n,review,predicted mood,probability\n1,a good cast,pos,.*\n2,Unheard BAD story,neg,.*\n$/)
    const other = await again.examples(csv(['review,mood', 'fine,pos']))
    expect([...other.y.data]).toEqual([1])
    await expect(again.examples(csv(['review,mood', 'fine,odd']))).rejects.toThrow(/line 2: the class "odd" is none/)
  })

  it('refuses columns that are not given, or hold no texts', async () => {
    const { prepare } = fileRecipes['text-classifier']
    await expect(prepare(csv(['review,mood', ...rows]))).rejects.toThrow(/--text and --label/)
    const ids = Array.from({ length: 40 }, (_, i) => `id${i},${i % 2 ? 'odd' : 'even'}`)
    await expect(prepare(csv(['review,mood', ...ids]), options)).rejects.toThrow(/no word of review occurs twice/)
  })

  it('reads words in order with an LSTM', async () => {
    const prepared = await fileRecipes['text-classifier'].prepare(csv(['review,mood', ...rows]), {
      ...options,
      model: 'lstm',
      width: 16,
    })
    const [model, { accuracy }] = await learn(prepared, 8)
    expect(accuracy).toBe(1)
    // Zeros before the words; unknown ones have a number of their own.
    const [row] = [restored('text-classifier', prepared.task)]
    const { x } = await row.examples(csv(['review,mood', 'a mystery,pos']))
    expect([...x.data].slice(0, -2).every((n) => n === 0)).toBe(true)
    expect([...x.data].slice(-1)).toEqual([1])
    expect(await row.predict(model, csv(['review', 'a dull cast']))).toContain('a dull cast,neg')
  })

  it('has the parameters of the course with 13,000 words and five classes', () => {
    const table = summary(new SentimentLstm(13_000, 64, 5, 0), [20], { dtype: 'int32' })
    expect(table.total).toBe(1_354_821)
    const layers = table.rows.filter(({ parameters }) => parameters > 0)
    expect(layers.map(({ outputShape, parameters }) => [outputShape, parameters])).toEqual([
      [[null, 20, 100], 1_300_000],
      [[null, 20, 64], 42_240],
      [[null, 20, 32], 12_416],
      [[null, 5], 165],
    ])
  })

  it('leaves out texts without words, and says which', async () => {
    const some = [...rows]
    some[3] = ' ,neg'
    some[8] = '"  ",pos'
    some[9] = 'a dull\ud83d film,neg'
    const { choices, train, validation, test } = await fileRecipes['text-classifier'].prepare(
      csv(['review,mood', ...some]),
      options,
    )
    expect(choices).toContainEqual(['left out', '2 texts without words: lines 5, 10'])
    expect(choices).toContainEqual(['damage', 'half a character became U+FFFD'])
    expect(train.length + validation.length + test.length).toBe(198)
    expect(train.origins).not.toContain(5)
  })

  it('learns from the phrases of parsed sentences', async () => {
    const trees = Array.from({ length: 60 }, (_, i) =>
      i % 2 ? `(4 (2 the) (4 (4 fine) (2 ${words[i % 5]})))` : `(0 (2 the) (0 (0 dull) (2 ${words[i % 5]})))`,
    )
    const source = { name: 'trees.txt', text: `${trees.join('\n')}\n` }
    const prepared = await fileRecipes['text-classifier'].prepare(source)
    expect(prepared.task.classes).toEqual(['0', '2', '4'])
    // Each sentence and its four phrases, of which the words say their own.
    expect(prepared.train.length).toBe(5 * 48)
    expect([prepared.validation.length, prepared.test.length]).toEqual([6, 6])
    expect([...new Set(prepared.test.y.data)].sort()).toEqual([0, 2])
    const [model, { accuracy }] = await learn(prepared, 8)
    expect(accuracy).toBe(1)
    const again = restored('text-classifier', prepared.task)
    expect(await again.predict(model, { name: 't', text: '(2 (2 a) (4 fine))\n' })).toContain(',4,')
    const unknown = again.examples({ name: 't', text: '(7 fine)' })
    await expect(unknown).rejects.toThrow(/line 1: the class "7" is none/)
  })
})

describe('tellingOf', () => {
  it('is the greatest |log ratio| over the classes', () => {
    // Token 1 in both texts of class 0 and one of class 1, token 2 in one of class 1; 0 is none.
    const x = Int32Array.of(1, 0, 1, 1, 1, 2)
    const telling = tellingOf(x, [0, 0, 1], 3, 2)
    // Texts with a token, and one more: class 0 has [2, 3, 1], class 1 has [1, 2, 2].
    expect(telling[1]).toBeCloseTo(Math.abs(Math.log(3 / 6 / (2 / 5))), 5)
    expect(telling[2]).toBeCloseTo(Math.abs(Math.log(1 / 6 / (2 / 5))), 5)
  })

  it('compares each of several classes with all others', () => {
    const telling = tellingOf(Int32Array.of(1, 2, 2), [0, 1, 2], 3, 3)
    // Of token 1: [2, 1, 1] of sums [4, 4, 4].
    expect(telling[1]).toBeCloseTo(Math.log(2 / 4 / (2 / 8)), 5)
  })
})

describe('phrasesOf', () => {
  it('gives sentence and phrases', () => {
    expect(phrasesOf('(3 (2 -LRB-) (3 (2 A) (4 good\\/bad)))', 'x')).toEqual([
      { label: '3', text: '( A good/bad' },
      { label: '2', text: '(' },
      { label: '3', text: 'A good/bad' },
      { label: '2', text: 'A' },
      { label: '4', text: 'good/bad' },
    ])
  })

  it.each([
    ['(3 (2 a)', /does not close/],
    ['(3 a))', /was not opened/],
    ['((2 a) (3 b))', /no label/],
    ['(3 (2 ) a)', /no words/],
    ['(3 a) (2 b)', /two/],
    ['(3 a) b', /"b" stands outside/],
    ['', /does not close/],
  ])('refuses %s', (tree, message) => {
    expect(() => phrasesOf(tree, 'x, line 2')).toThrow(message)
    expect(() => phrasesOf(tree, 'x, line 2')).toThrow(/^x, line 2: /)
  })
})
