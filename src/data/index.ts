/** @file `glia/data`: data sets and pictures as plain arrays, in any JavaScript environment. */

export {
  type Collated,
  collate,
  type Example,
  type PadOptions,
  padding,
  padItems,
  type Stacked,
  stackItems,
} from './collate.ts'
export {
  type ArrayDataset,
  arrayDataset,
  type Batch,
  type BatchColumn,
  batchOf,
  type Column,
  split,
  subset,
} from './dataset.ts'
export { decodePicture } from './decode.ts'
export { type DigitsOptions, digits } from './digits.ts'
export { type Decode, ImageFolder, type ImageFolderOptions, type PictureFile } from './folder.ts'
export { type Opinion, type SentencesOptions, sentiment, type Translation, translations } from './generated/language.ts'
export { blobs, moons, type PointOptions, polynomial, rings, spirals } from './generated/points.ts'
export { type RatingsOptions, ratings } from './generated/ratings.ts'
export { forecasting, type SeriesOptions, timeSeries } from './generated/series.ts'
export { type ShapesExample, type ShapesOptions, shapeClasses, shapes } from './generated/shapes.ts'
export { type IdxArray, parseIdx } from './idx.ts'
export { type GrayInputOptions, grayInput, type Picture, resizeTo, toGray } from './image.ts'
export {
  DataLoader,
  type LoaderOptions,
  type LoaderSetup,
  type LoaderState,
  type Placed,
  type Skipped,
} from './loader.ts'
export { fromPicture, toPicture, toRgb } from './picture-item.ts'
export { checkPicture, type PictureHeader, pictureHeader } from './picture-size.ts'
export { permutation, Random, type RandomState } from './random.ts'
export { type CifarOptions, cifar10Classes, parseCifar } from './readers/cifar.ts'
export {
  type Coco,
  type CocoImage,
  cocoMask,
  parseCoco,
  type Segmentation,
} from './readers/coco.ts'
export { type CsvOptions, type CsvRecord, parseCsv, streamCsv } from './readers/csv.ts'
export {
  type AdjacencyOptions,
  adjacency,
  type EdgeOptions,
  type Graph,
  parseEdges,
} from './readers/graph.ts'
export { type JsonLinesOptions, parseJsonLines, streamJsonLines } from './readers/json-lines.ts'
export { parseRatings, type Ratings, ratingsDataset } from './readers/movielens.ts'
export { encodeNpy, encodeNpz, type NumpyArray, parseNpy, parseNpz } from './readers/npy.ts'
export { type ParquetOptions, type RandomAccess, readParquetTable, streamParquet } from './readers/parquet.ts'
export { decodeText, type Line, linesOf, streamLines, type TextOptions, wellFormed } from './readers/text.ts'
export { encodeWav, parseWav, type Sound } from './readers/wav.ts'
export { type Objects, parseYolo, type YoloOptions } from './readers/yolo.ts'
export { balancedWeights, type Sampler, sequential, shuffled, type WeightedOptions, weighted } from './sampler.ts'
export { collect, fromArrays, type Item, label, type MapSource, mapped, type StreamSource, selected } from './source.ts'
export {
  type DatasetSplitOptions,
  type Fold,
  kFold,
  kFoldIndices,
  type SplitOptions,
  splitIndices,
  splits,
} from './split.ts'
export {
  type CategoryColumn,
  cellAt,
  columnNamed,
  type NumberColumn,
  type SkippedRow,
  type Table,
  type TableColumn,
  type TableOptions,
  type TextColumn,
  tableOf,
  tableOfObjects,
  tableRows,
} from './table.ts'
export { type BpeOptions, BpeTokenizer } from './transforms/bpe.ts'
export {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  type ColourOptions,
  type CutoutOptions,
  channelStatistics,
  colour,
  cutout,
  grey,
  type NormaliseOptions,
  noise,
  normalise,
} from './transforms/colour.ts'
export { type HuggingFaceTokenizer, huggingFaceTokenizer } from './transforms/hugging-face.ts'
export { type ClassBatch, cutmix, type MixOptions, mixup } from './transforms/mix.ts'
export { imageTransform } from './transforms/saved.ts'
export { chain, type ImageTransform, type Scene, sometimes, type TransformSpec } from './transforms/scene.ts'
export {
  centreCrop,
  type FlipOptions,
  flip,
  perspective,
  type ResizedCropOptions,
  randomCrop,
  randomResizedCrop,
  resize,
  resizeItem,
  resizeShorter,
  rotate,
  shift,
  zoom,
} from './transforms/spatial.ts'
export { type EncodedColumn, type IgnoredColumn, TableEncoder, type TableEncoderOptions } from './transforms/table.ts'
export {
  CharTokenizer,
  characters,
  type Tokenizer,
  tokenItem,
  type WordOptions,
  WordTokenizer,
  windows,
  words,
} from './transforms/tokenizer.ts'
export { Vocabulary, type VocabularyOptions } from './transforms/vocabulary.ts'
