/** @file `glia/io`: file formats, as bytes in and bytes out, in any JavaScript environment. */

export {
  readSafetensors,
  type Safetensors,
  type StoredTensor,
  type TensorToWrite,
  type TensorValues,
  writeSafetensors,
} from './safetensors.ts'
export { readWeights, writeWeights } from './weights.ts'
