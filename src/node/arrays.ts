/** @file NumPy arrays, sounds, graphs and ratings from files. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { type EdgeOptions, type Graph, parseEdges } from '../data/readers/graph.ts'
import { parseRatings, type Ratings } from '../data/readers/movielens.ts'
import { type NumpyArray, parseNpy, parseNpz } from '../data/readers/npy.ts'
import { parseWav, type Sound } from '../data/readers/wav.ts'
import { readBytes, readText } from './read.ts'

/** Reads a .npy file, see `parseNpy`. */
export async function readNpy(path: string): Promise<NumpyArray> {
  return parseNpy(await readBytes(path), path)
}

/** Reads the arrays of a .npz file by name, see `parseNpz`. */
export async function readNpz(path: string): Promise<Map<string, NumpyArray>> {
  return parseNpz(await readBytes(path), path)
}

/** Reads a WAV file, see `parseWav`. */
export async function readWav(path: string): Promise<Sound> {
  return parseWav(await readBytes(path), path)
}

/** Reads a graph from an edge list, gzipped or not, see `parseEdges`. */
export async function readEdges(path: string, options: Omit<EdgeOptions, 'name'> = {}): Promise<Graph> {
  return parseEdges(await readText(path), { ...options, name: path })
}

/**
 * Reads a directory of MovieLens: `ratings.csv`, `ratings.dat` or `u.data`, gzipped or not.
 *
 * @throws GliaError if none of them is there, or as `parseRatings` does
 */
export async function readMovieLens(directory: string): Promise<Ratings> {
  const names = ['ratings.csv', 'ratings.dat', 'u.data'].flatMap((name) => [name, `${name}.gz`])
  const found = names.map((name) => join(directory, name)).find((path) => existsSync(path))
  if (found === undefined) throw new GliaError(`${directory} has no ratings: looked for ${names.join(', ')}.`)
  return parseRatings(await readText(found), found)
}
