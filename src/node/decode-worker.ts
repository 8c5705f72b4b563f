/** @file What a worker thread does for `imageFolder`. */

import type { Picture } from '../data/image.ts'
import { decodeImage } from './decode.ts'

/** Bytes and name of a file to its picture. */
export default function work({ bytes, name }: { readonly bytes: Uint8Array; readonly name: string }): Promise<Picture> {
  return decodeImage(bytes, name)
}
