/** @file Remember the first symbol until the end: LSTM and GRU learn it, a plain RNN does not. */
import { cat, compile, manualSeed, oneHot, rand, randint, type Tensor, zeros } from '../index.ts'
import { crossEntropy } from '../loss/index.ts'
import { GRU, Linear, LSTM, RNN } from '../nn/index.ts'
import { Adam, clipGradNorm } from '../optim/index.ts'
import type { Line } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { mean } from './support.ts'

const [LENGTH, SYMBOLS, UNITS, BATCH, STEPS] = [60, 4, 32, 64, 600]

type Recurrent = LSTM | GRU | RNN

/**
 * Tallec & Ollivier 2018: what is kept should last from 1 to T steps, so the bias of the gate that keeps starts at log u,
 * u uniform in [1, T), and that of the LSTM's input gate at −log u. All other biases start at 0.
 */
function lasting<L extends LSTM | GRU>(layer: L): L {
  const lasts = rand([UNITS])
    .mul(LENGTH - 2)
    .add(1)
    .log()
    .realise()
  const none = zeros([UNITS])
  // Gates in the layers' order: input, forget, proposal, output; reset, update, proposal.
  const start = layer instanceof LSTM ? [lasts.neg(), lasts, none, none] : [none, lasts, none]
  for (const [name, p] of layer.namedParameters()) {
    if (name.startsWith('bias')) p.assign(cat(name.startsWith('bias_hh') ? start : start.map(() => none)))
  }
  return layer
}

const NETWORKS: Readonly<Record<string, () => Recurrent>> = {
  RNN: () => new RNN(SYMBOLS, UNITS),
  GRU: () => lasting(new GRU(SYMBOLS, UNITS)),
  LSTM: () => lasting(new LSTM(SYMBOLS, UNITS)),
}

export const longMemory: Lesson = {
  name: 'long-memory',
  title: 'Remembering over sixty steps: LSTM and GRU against RNN',
  course: 'Fromont; de Mareuil',
  run(out) {
    const run = (make: () => Recurrent): number[] => {
      manualSeed(1)
      const layer = make()
      const readout = new Linear(UNITS, SYMBOLS)
      const parameters = [...layer.parameters(), ...readout.parameters()]
      const optimizer = new Adam(parameters, { lr: 6e-3 })
      // Sequences of random symbols; asked for at the end is the first.
      const update = compile((one: Tensor) => {
        const symbols = randint(0, SYMBOLS, [LENGTH, BATCH])
        const first = symbols.select(0, 0)
        const output = layer.call(oneHot(symbols, SYMBOLS).float().mul(one))[0] as Tensor
        const answer = readout.call(output.select(0, LENGTH - 1))
        optimizer.zeroGrad()
        crossEntropy(answer, first).backward()
        clipGradNorm(parameters, 1)
        optimizer.step()
        return answer.argmax(1).eq(first).float().mean()
      })
      return Array.from({ length: STEPS }, () => update(1).itemSync())
    }
    const runs = Object.entries(NETWORKS).map(([name, make]) => ({ name, right: run(make) }))
    const atEnd = runs.map((r) => mean(r.right.slice(-20)))
    out.print(
      `sequences of ${LENGTH} symbols out of ${SYMBOLS}; the first is asked for at the end. Guessing: ${1 / SYMBOLS}`,
    )
    out.table(
      ['network', `right after ${STEPS} batches of ${BATCH}`],
      runs.map((r, i) => [r.name, atEnd[i]]),
    )
    out.check('LSTM: share right', atEnd[2], { above: 0.95 })
    out.check('GRU: share right', atEnd[1], { above: 0.95 })
    out.check('RNN: share right', atEnd[0], { below: 0.4 })

    const chunk = 10
    const smooth = (v: readonly number[]): number[] =>
      Array.from({ length: STEPS / chunk }, (_, i) => mean(v.slice(i * chunk, (i + 1) * chunk)))
    out.plot('learning', {
      parts: [
        {
          title: 'The first of sixty symbols, asked for at the end',
          x: { title: 'batch' },
          y: { title: 'share right', domain: [0, 1] },
          marks: [
            ...runs.map(
              (r): Line => ({
                mark: 'line',
                name: r.name,
                x: smooth(r.right).map((_, i) => (i + 0.5) * chunk),
                y: smooth(r.right),
              }),
            ),
            { mark: 'rule', name: 'guessing', y: 1 / SYMBOLS },
          ],
        },
      ],
    })
  },
}
