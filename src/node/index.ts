/** @file `glia/node`: what needs the file system. */

export { readEdges, readMovieLens, readNpy, readNpz, readWav } from './arrays.ts'
export { type CheckpointOptions, checkpoints, type ReadCheckpointOptions, readCheckpoint } from './checkpoints.ts'
export { readCifarDirectory } from './cifar.ts'
export { decodeImage, decodeJpeg } from './decode.ts'
export {
  type Checksum,
  DownloadError,
  type DownloadOptions,
  type DownloadProgress,
  download,
  type RemoteFile,
} from './download.ts'
export { writeFileAtomic } from './files.ts'
export { cocoFolder, type DecodeOptions, type DetectionExample, imageFolder, yoloFolder } from './folder.ts'
export { fashionClasses, type IdxOptions, readIdxDirectory } from './idx.ts'
export { decodePng, encodePng, readImage, writeImage } from './image.ts'
export { readBytes, readText, streamBytes, streamTextLines } from './read.ts'
export { type RunLogOptions, runLog } from './run-log.ts'
export { csvSource, jsonLinesSource, parquetSource, readCsv, readJsonLines, readParquet, textSource } from './tables.ts'
export { inThreads, type ThreadedTransform, type ThreadOptions } from './threads.ts'
export { readTokenizer } from './tokenizer.ts'
export { loadWeights, saveWeights } from './weights.ts'
export { WorkerPool, type WorkerPoolOptions } from './workers.ts'
