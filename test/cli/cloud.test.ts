/** @file Clouds of words: what is large, what colour it has, and that nothing overlaps. */

import { describe, expect, it } from 'vitest'
import { wordCloud } from '../../src/cli/report/cloud.ts'

interface Text {
  readonly word: string
  readonly x: number
  readonly y: number
  readonly size: number
  readonly fill: string
  readonly width: number
}

function textsOf(svg: string): Text[] {
  const pattern = /<text x="(.*?)" y="(.*?)" font-size="(.*?)" fill="(.*?)" textLength="(.*?)".*?>(.*?)<\/text>/g
  return [...svg.matchAll(pattern)].map(([, x, y, size, fill, width, word]) => ({
    word,
    x: Number(x),
    y: Number(y),
    size: Number(size),
    fill,
    width: Number(width),
  }))
}

describe('wordCloud', () => {
  const word = (name: string, count: number, good: number) => ({ word: name, count, probabilities: [1 - good, good] })

  it('makes words larger that say more and are more frequent, and colours them by mood', () => {
    const words = [
      word('the', 500, 0.5),
      word('awful', 50, 0),
      word('fine', 50, 1),
      word('fair', 3, 0.9),
      word('fain', 3, 0.1),
    ]
    const texts = new Map(textsOf(wordCloud(words, ['bad', 'good'])).map((text) => [text.word, text]))
    const size = (name: string): number => texts.get(name)?.size ?? 0
    expect(size('fine')).toBeGreaterThan(size('fair'))
    expect(size('fair')).toBeGreaterThan(size('the'))
    expect(texts.get('awful')?.fill).toBe('rgb(192, 57, 43)')
    expect(texts.get('fine')?.fill).toBe('rgb(31, 119, 180)')
    expect(texts.get('the')?.fill).toBe('rgb(150, 150, 150)')
  })

  it('puts no word upon another, leaves out what has no room, and escapes marks', () => {
    const words = Array.from({ length: 300 }, (_, i) => word(`word<${i}&`, 300 - i, (i % 10) / 9))
    const svg = wordCloud(words, ['0', '1'])
    const texts = textsOf(svg)
    expect(texts.length).toBeGreaterThan(20)
    expect(texts.length).toBeLessThan(120)
    expect(texts[0].word).toMatch(/^word&lt;\d+&amp;$/)
    texts.forEach((a, i) => {
      for (const b of texts.slice(i + 1)) {
        const beside = Math.abs(a.x - b.x) >= (a.width + b.width) / 2
        expect(beside || Math.abs(a.y - b.y) >= (a.size + b.size) / 2).toBe(true)
      }
    })
  })

  it('gives classes without an order a colour each', () => {
    const three = (name: string, c: number) => ({
      word: name,
      count: 9,
      probabilities: [0, 1, 2].map((k) => (k === c ? 0.8 : 0.1)),
    })
    const svg = wordCloud([three('goal', 0), three('vote', 1), three('atom', 2)], ['sport', 'politics', 'science'])
    const fills = textsOf(svg).map(({ fill }) => fill)
    expect(new Set(fills).size).toBe(3)
    expect(svg).toContain('■ politics')
  })
})
