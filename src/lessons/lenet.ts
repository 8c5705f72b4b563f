/** @file LeNet-5 as Fromont's exercises count it, for square pictures of any size that fits. */
import {
  AvgPool2d,
  Conv2d,
  Flatten,
  type Layer,
  Linear,
  Sequential,
  type SummaryRow,
  summary,
  Tanh,
} from '../nn/index.ts'

/** @param c5 side of C5's kernel: what S4 leaves of the picture (5 for 32 × 32) */
export function lenet(c5 = 5): Sequential {
  const parts: Record<string, Layer> = {
    c1: new Conv2d(1, 6, 5),
    tanh1: new Tanh(),
    s2: new AvgPool2d(2),
    c3: new Conv2d(6, 16, 5),
    tanh3: new Tanh(),
    s4: new AvgPool2d(2),
    c5: new Conv2d(16, 120, c5),
    tanh5: new Tanh(),
    flatten: new Flatten(),
    f6: new Linear(120, 84),
    tanh6: new Tanh(),
    output: new Linear(84, 10),
  }
  return new Sequential(parts)
}

/** Rows of the summary for the layers named in capitals: C1, S2, C3, S4, C5, F6 and the output. */
export function namedRows(model: Sequential, side: number): readonly SummaryRow[] {
  return summary(model, [1, side, side]).rows.filter((row) => /^(c|s|f)\d$|^output$/.test(row.name))
}

/** `28 × 28 × 6` */
export function showSize([, channels, height, width]: readonly (number | null)[]): string {
  return height === undefined ? String(channels) : `${height} × ${width} × ${channels}`
}
