/** @file Edge lists: numbering, weights, repetitions, matrices, and what is refused. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adjacency, parseEdges } from '../../../src/data/index.ts'
import { readEdges } from '../../../src/node/index.ts'

const plain = 'a b\n# a remark\nb c\n\nc a\n'

describe('parseEdges', () => {
  it('numbers nodes as they come, or in order where they are numbers', () => {
    const graph = parseEdges(plain)
    expect(graph).toMatchObject({ names: ['a', 'b', 'c'], directed: false, repeated: 0 })
    expect(graph.edges).toEqual({ data: Int32Array.of(0, 1, 1, 2, 2, 0), shape: [3, 2] })
    expect(graph.weights).toEqual({ data: Float32Array.of(1, 1, 1), shape: [3] })
    expect(parseEdges('10 2\n2 1').names).toEqual(['1', '2', '10'])
    expect([...parseEdges('10 2\n2 1').edges.data]).toEqual([2, 1, 1, 0])
  })

  it('reads weights, other separators, a header and nodes without edges', () => {
    const graph = parseEdges('from,to,weight\r\nx, y, 0.5\r\ny,z,-2\r\n', { header: true, names: ['w', 'x', 'y', 'z'] })
    expect(graph.names).toEqual(['w', 'x', 'y', 'z'])
    expect([...graph.edges.data]).toEqual([1, 2, 2, 3])
    expect([...graph.weights.data]).toEqual([0.5, -2])
    expect(parseEdges('x\ty').edges.shape).toEqual([1, 2])
  })

  it('lists an edge once, in whichever direction it comes', () => {
    expect(parseEdges('a b\nb a\na b')).toMatchObject({ repeated: 2, edges: { shape: [1, 2] } })
    expect(parseEdges('a b\nb a\na b', { directed: true })).toMatchObject({ repeated: 1, edges: { shape: [2, 2] } })
  })

  it.each([
    ['a b\nc', {}, /^The edge list, line 2: no two nodes, or two and a weight, in "c"\.$/],
    ['a b 1 2', { name: 'x.txt' }, /^x\.txt, line 1: no two nodes/],
    ['a,,3', {}, /no two nodes/],
    ['a b c', {}, /line 1: the weight "c" is no number/],
    ['a b 1\nb a 2', {}, /line 2: an edge that came before with weight 1 comes again with 2/],
    ['a b', { names: ['a'] }, /"b" is not among the names given/],
    ['# nothing\n', {}, /The edge list has no edges/],
  ])('refuses %j', (text, options, pattern) => {
    expect(() => parseEdges(text, options)).toThrow(pattern)
  })
})

describe('adjacency', () => {
  it('is symmetric unless the graph is directed', () => {
    expect([...adjacency(parseEdges('a b 2\nb c')).data]).toEqual([0, 2, 0, 2, 0, 1, 0, 1, 0])
    expect([...adjacency(parseEdges('a b 2\nb c', { directed: true })).data]).toEqual([0, 2, 0, 0, 0, 1, 0, 0, 0])
  })

  it('normalises rows, and symmetrically with loops as graph convolutions do', () => {
    const graph = parseEdges('a b\nb c', { names: ['a', 'b', 'c', 'd'] })
    const rows = adjacency(graph, { normalise: 'rows' })
    expect([...rows.data.slice(0, 12)]).toEqual([0, 1, 0, 0, 0.5, 0, 0.5, 0, 0, 1, 0, 0])
    expect([...rows.data.slice(12)]).toEqual([0, 0, 0, 0])
    const { data } = adjacency(graph, { loops: true, normalise: 'symmetric' })
    // Degrees with loops: 2, 3, 2, 1.
    const s = 1 / Math.sqrt(6)
    const expected = [0.5, s, 0, 0, s, 1 / 3, s, 0, 0, s, 0.5, 0, 0, 0, 0, 1]
    expected.forEach((value, i) => {
      expect(data[i]).toBeCloseTo(value, 6)
    })
  })

  it('refuses more nodes than a matrix can have', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => String(i))
    expect(() => adjacency(parseEdges('0 1', { names }))).toThrow(/a matrix of 20000 × 20000 nodes is too large/)
  })
})

const data = process.env.GLIA_DATA ?? ''

describe.runIf(existsSync(join(data, 'graphs')))('published files (needs GLIA_DATA)', () => {
  it('the karate club has 34 members and 78 friendships', async () => {
    const graph = await readEdges(join(data, 'graphs', 'karate.edgelist'))
    expect([graph.names.length, graph.edges.shape[0], graph.repeated]).toEqual([34, 78, 0])
    const matrix = [...adjacency(graph).data]
    const degree = (member: number): number => matrix.slice(34 * (member - 1), 34 * member).reduce((a, b) => a + b)
    expect([degree(1), degree(34)]).toEqual([16, 17])
  })
})
