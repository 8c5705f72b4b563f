/** @file A worker that never calls `trainingWorker`. */

export {}
