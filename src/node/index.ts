/** @file `glia/node`: what needs the file system. */

export { writeFileAtomic } from './files.ts'
export { fashionClasses, type IdxOptions, readIdxDirectory } from './idx.ts'
export { decodePng, encodePng, readImage, writeImage } from './image.ts'
