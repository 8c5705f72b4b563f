/** @file Graphs from edge lists: a line per edge with the names of its ends and, if need be, a weight. */

import { GliaError } from '../../core/errors.ts'
import type { Item } from '../source.ts'
import { linesOf } from './text.ts'

/** Nodes are numbered from 0. */
export interface Graph {
  /** Names by node number: in order if all are whole numbers, else as they first come. */
  readonly names: readonly string[]
  readonly directed: boolean
  /** int32 `[E, 2]`: from and to; an edge of an undirected graph is listed once. */
  readonly edges: Item
  /** float32 `[E]`: 1 where the file gives none. */
  readonly weights: Item
  /** Lines that gave an edge again, and were passed over. */
  readonly repeated: number
}

export interface EdgeOptions {
  /** Whether an edge leads one way only (default false). */
  readonly directed?: boolean
  /** All nodes, in the order of their numbers, where some have no edges; edges to others are refused. */
  readonly names?: readonly string[]
  /** The first line names the columns (default false). */
  readonly header?: boolean
  /** The file's name, for messages. */
  readonly name?: string
}

interface Edge {
  readonly ends: readonly [from: string, to: string]
  readonly weight: number
}

/**
 * Reads an edge list. Ends and weight stand apart by spaces, tabs, commas or semicolons; empty lines and those that begin
 * with `#` or `%` are passed over.
 *
 * @throws GliaError, naming the line, if it holds less than two or more than three values, a weight is no number, a node
 * is not among `names`, or an edge comes again with another weight; or if there are no edges
 */
export function parseEdges(text: string, options: EdgeOptions = {}): Graph {
  const { directed = false, header = false, name = 'The edge list' } = options
  const found = new Map<string, Edge>()
  const known = options.names && new Set(options.names)
  let [repeated, first] = [0, header]
  linesOf(text).forEach((line, i) => {
    const trimmed = line.trim()
    if (trimmed === '' || /^[#%]/.test(trimmed)) return
    if (first) {
      first = false
      return
    }
    const wrong = (what: string): GliaError =>
      new GliaError(`${name}, line ${i + 1}: ${what} in ${JSON.stringify(trimmed.slice(0, 60))}.`)
    const edge = edgeOf(trimmed, wrong)
    const stranger = known && edge.ends.find((end) => !known.has(end))
    if (stranger !== undefined) throw wrong(`${JSON.stringify(stranger)} is not among the names given`)
    const key = JSON.stringify(directed ? edge.ends : [...edge.ends].sort())
    const before = found.get(key)
    if (before && before.weight !== edge.weight) {
      throw wrong(`an edge that came before with weight ${before.weight} comes again with ${edge.weight}`)
    }
    if (before) repeated++
    else found.set(key, edge)
  })
  if (found.size === 0) throw new GliaError(`${name} has no edges.`)
  const edges = [...found.values()]
  const names = options.names ?? inOrder([...new Set(edges.flatMap((edge) => edge.ends))])
  const numbers = new Map(names.map((node, i) => [node, i]))
  return {
    names,
    directed,
    edges: {
      data: Int32Array.from(
        edges.flatMap((edge) => edge.ends),
        (end) => numbers.get(end) ?? -1,
      ),
      shape: [edges.length, 2],
    },
    weights: { data: Float32Array.from(edges, (edge) => edge.weight), shape: [edges.length] },
    repeated,
  }
}

function edgeOf(line: string, wrong: (what: string) => GliaError): Edge {
  const [from, to, weight = '1', ...rest] = line.split(/\s*[,;]\s*|\s+/)
  if (to === undefined || rest.length > 0 || from === '' || to === '') throw wrong('no two nodes, or two and a weight,')
  const value = Number(weight)
  if (weight === '' || !Number.isFinite(value)) throw wrong(`the weight ${JSON.stringify(weight)} is no number`)
  return { ends: [from, to], weight: value }
}

function inOrder(names: readonly string[]): string[] {
  if (!names.every((name) => /^\d{1,15}$/.test(name))) return [...names]
  return [...names].sort((a, b) => Number(a) - Number(b))
}

export interface AdjacencyOptions {
  /** Joins every node with itself, with weight 1 where the graph does not (default false). */
  readonly loops?: boolean
  /**
   * Divides weights by what leads away from a node (`'rows'`: they sum to 1, a random walk), or by the roots of that of
   * both ends (`'symmetric'`: Kipf & Welling 2017, Semi-supervised classification with graph convolutional networks).
   */
  readonly normalise?: 'rows' | 'symmetric'
}

/** Most numbers in a matrix: 1 GiB of them. */
const MOST = 2 ** 28

/**
 * The weights as a matrix: float32 `[N, N]`, row from, column to; 0 where there is no edge. The rows of nodes without
 * edges stay 0.
 *
 * @throws GliaError if there are too many nodes for a matrix
 */
export function adjacency(graph: Graph, { loops = false, normalise }: AdjacencyOptions = {}): Item {
  const n = graph.names.length
  if (n * n > MOST) {
    throw new GliaError(`adjacency: a matrix of ${n} × ${n} nodes is too large; work with the list of edges.`)
  }
  const data = new Float32Array(n * n)
  const { data: ends } = graph.edges
  graph.weights.data.forEach((weight, e) => {
    const [from, to] = [ends[2 * e], ends[2 * e + 1]]
    data[from * n + to] = weight
    if (!graph.directed) data[to * n + from] = weight
  })
  if (loops) for (let i = 0; i < n; i++) data[i * n + i] ||= 1
  if (normalise) {
    const degrees = Float64Array.from({ length: n }, (_, i) =>
      data.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b, 0),
    )
    const by = degrees.map((d) => (d === 0 ? 0 : normalise === 'rows' ? 1 / d : 1 / Math.sqrt(d)))
    for (let i = 0; i < data.length; i++) {
      const [row, column] = [Math.floor(i / n), i % n]
      data[i] *= normalise === 'rows' ? by[row] : by[row] * by[column]
    }
  }
  return { data, shape: [n, n] }
}
