/**
 * @file Probes: small whole programs of the kind people write. Each takes a device and throws if it misbehaves, so that
 * the same ones run on every target.
 */
export { adversarialPair } from './adversarial.ts'
export { batchNormModes } from './batchnorm.ts'
export { growingDecode } from './decode.ts'
export { freshDropout } from './dropout.ts'
export { repeatedIndices } from './embedding.ts'
export { lenetTrains } from './lenet.ts'
export { lstmTrains } from './lstm.ts'
export { poolTwice } from './pool.ts'
