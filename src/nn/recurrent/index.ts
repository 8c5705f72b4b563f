/** @file Recurrent layers, their single steps, and sequences of different lengths. */
export {
  type CellOptions,
  GRUCell,
  type GRUCellOptions,
  LSTMCell,
  RNNCell,
  type RNNCellOptions,
} from './cells.ts'
export {
  GRU,
  type GRUOptions,
  LSTM,
  type LSTMOptions,
  type LSTMResult,
  type LSTMState,
  RNN,
  type RNNOptions,
} from './layers.ts'
export {
  type PackedSequence,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
  unpackSequence,
  unpadSequence,
} from './pack.ts'
export type { Lengths, RecurrentOptions, RecurrentResult } from './recurrence.ts'
export type { GRUForm, Nonlinearity } from './steps.ts'
