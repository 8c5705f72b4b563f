/** @file The networks of the benchmark that are a list of layers. */
import { AvgPool2d, Conv2d, Flatten, Linear, ReLU, Sequential, Tanh } from '../../src/nn/index.ts'

export { cifarCnn } from '../../src/recipes/cifar10.ts'

/** One hidden layer on flattened images: `[B, 1, 28, 28] → [B, 10]`. */
export function mlp(): Sequential {
  return new Sequential(new Flatten(), new Linear(784, 128), new ReLU(), new Linear(128, 10))
}

/** LeNet-5 (LeCun et al. 1998) with mean pooling: `[B, 1, 28, 28] → [B, 10]`. */
export function lenet5(): Sequential {
  return new Sequential(
    new Conv2d(1, 6, 5, { padding: 2 }),
    new Tanh(),
    new AvgPool2d(2),
    new Conv2d(6, 16, 5),
    new Tanh(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(400, 120),
    new Tanh(),
    new Linear(120, 84),
    new Tanh(),
    new Linear(84, 10),
  )
}
