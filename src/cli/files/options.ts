/** @file The options of trainings on users' files, and which recipe takes which. Loads nothing, so that help comes at once. */

import type { Command } from 'commander'
import { UsageError } from '../failure.ts'
import { positive, TARGETS, type target, whole } from '../values.ts'
import type { FileTrainOptions } from './train.ts'

type Add = (command: Command) => Command

const share =
  (option: string) =>
  (text: string): number => {
    const value = positive(option)(text)
    if (value < 1) return value
    throw new UsageError(`${option} must be a share below 1, such as 0.1; received ${JSON.stringify(text)}.`)
  }

const orZero =
  (option: string, parse: (option: string) => (text: string) => number) =>
  (text: string): number =>
    /^0+(\.0*)?$/.test(text) ? 0 : parse(option)(text)

/** What a run cannot begin without; one that is resumed has it already. */
const NEEDED = {
  data: '--data <path>',
  target: '--target <column>',
} as const

const OPTIONS = {
  target: (c) => c.option(NEEDED.target, 'column to predict: its name, or its number from 1'),
  splitColumn: (c) => c.option('--split-column <column>', 'column that says train, validation or test'),
  task: (c) => c.option('--task <kind>', 'regression or classification (default: what the values look like)'),
  ignore: (c) => c.option('--ignore <columns>', 'columns not to look at, separated by commas'),
  header: (c) =>
    c
      .option('--header', 'the first row names the columns (default: if it holds no numbers)')
      .option('--no-header', 'it does not'),
  folds: (c) => c.option('--folds <n>', 'first cross-validate with n trainings', whole('--folds', 2, 100)),
  validation: (c) =>
    c.option('--validation <share>', 'of examples to stop the training by (default: 0.1)', share('--validation')),
  test: (c) => c.option('--test <share>', 'of examples to measure the model on (default: 0.1)', share('--test')),
  text: (c) => c.option('--text <column>', 'column of texts: its name, or its number from 1'),
  label: (c) => c.option('--label <column>', 'column of classes; parsed sentences say theirs'),
  user: (c) => c.option('--user <column>', 'column of users (default: the first)'),
  item: (c) => c.option('--item <column>', 'column of items (default: the second)'),
  rating: (c) => c.option('--rating <column>', 'column of ratings (default: the third)'),
  context: (c) => c.option('--context <n>', 'characters or words seen at once', whole('--context', 2, 4096)),
  size: (c) => c.option('--size <pixels>', 'side of the squares that pictures become', whole('--size', 8, 512)),
  window: (c) => c.option('--window <rows>', 'rows to look back on', whole('--window', 1, 4096)),
  horizon: (c) => c.option('--horizon <rows>', 'rows to look ahead', whole('--horizon', 1, 1024)),
  tokens: (c) =>
    c.option('--tokens <kind>', 'char, or bpe: frequent pieces of words (default: char unless the text is long)'),
  vocabulary: (c) => c.option('--vocabulary <n>', 'most tokens or words to know', whole('--vocabulary', 2, 1_000_000)),
  model: (c) => c.option('--model <kind>', 'transformer, gru or lstm (default: transformer)'),
  classifier: (c) => c.option('--model <kind>', 'bag, of words and pairs, or lstm (default: bag)'),
  width: (c) => c.option('--width <n>', 'features of hidden layers', whole('--width', 1, 8192)),
  dropout: (c) => c.option('--dropout <share>', 'of features left out of training steps', orZero('--dropout', share)),
  weightDecay: (c) =>
    c.option(
      '--weight-decay <x>',
      'part of the weights taken away per step, times the rate',
      orZero('--weight-decay', positive),
    ),
  labelSmoothing: (c) =>
    c.option('--label-smoothing <share>', 'of labels, given to all classes alike', orZero('--label-smoothing', share)),
  penalty: (c) =>
    c.option('--penalty <x>', 'on biases (default: what suits the validation ratings)', positive('--penalty')),
  augment: (c) =>
    c.option('--augment <how>', 'none, flip, shift or all (default: all; shift if classes are characters)'),
  season: (c) =>
    c.option('--season <rows>', 'rows after which the series repeats itself', whole('--season', 1, 100_000)),
  layers: (c) => c.option('--layers <n>', 'hidden layers or blocks', whole('--layers', 1, 64)),
} as const satisfies Readonly<Record<string, Add>>

interface Usage {
  readonly description: string
  readonly data: string
  readonly takes: readonly (keyof typeof OPTIONS)[]
}

const SHARES = ['validation', 'test'] as const
const SIZES = ['width', 'layers'] as const
const RESTRAINTS = ['dropout', 'weightDecay'] as const

/** What `glia train --help` says of each, in the order of the table of recipes. */
export const USAGES: Readonly<Record<string, Usage>> = {
  tabular: {
    description: 'predict a column of a CSV or TSV file from the others',
    data: 'CSV or TSV file, may be gzipped',
    takes: [
      'target',
      'task',
      'splitColumn',
      'ignore',
      'header',
      'folds',
      ...SHARES,
      ...SIZES,
      ...RESTRAINTS,
      'labelSmoothing',
    ],
  },
  'text-generator': {
    description: 'write on in the manner of a text file',
    data: 'text file, may be gzipped',
    takes: ['model', 'tokens', 'vocabulary', 'context', ...SHARES, ...SIZES, ...RESTRAINTS],
  },
  'text-classifier': {
    description: 'tell which class a text belongs to',
    data: 'CSV or TSV file, or parsed sentences one a line, may be gzipped',
    takes: [
      'text',
      'label',
      'splitColumn',
      'header',
      'folds',
      'classifier',
      'vocabulary',
      'context',
      ...SHARES,
      'width',
      ...RESTRAINTS,
    ],
  },
  'image-classifier': {
    description: 'tell which class a picture belongs to',
    data: 'directory with a folder of pictures (PNG, JPEG) for each class',
    takes: ['size', ...SHARES, 'width', 'augment', ...RESTRAINTS],
  },
  forecast: {
    description: 'predict what a column will be in the next rows',
    data: 'CSV or TSV file whose rows follow each other in time, may be gzipped',
    takes: ['target', 'ignore', 'header', 'window', 'horizon', ...SHARES, 'width', 'season', ...RESTRAINTS],
  },
  recommender: {
    description: 'predict how users will rate items',
    data: 'CSV or TSV file of users, items and ratings, may be gzipped',
    takes: ['user', 'item', 'rating', 'splitColumn', 'header', 'folds', ...SHARES, 'width', 'penalty', ...RESTRAINTS],
  },
}

/**
 * Gives `glia train` a command for each recipe for files.
 *
 * @param checked what a parser of `--device` returns
 * @param speak makes a command explain its mistakes
 */
export function addFileRecipes(train: Command, checked: typeof target, speak: (command: Command) => void): void {
  // Options after a recipe's name are that recipe's: its --target is a column.
  train.enablePositionalOptions()
  for (const [name, { description, data, takes }] of Object.entries(USAGES)) {
    const command = train.command(name).description(description).helpOption('-h, --help', 'print this')
    command.option(NEEDED.data, data)
    for (const option of takes) OPTIONS[option](command)
    const isNeeded = (option: string): option is keyof typeof NEEDED => option in NEEDED
    const needs = ['data', ...takes].filter(isNeeded)
    command
      .option('--epochs <n>', 'most times that the training set is gone through', whole('--epochs', 1))
      .option('--batch <n>', 'examples per step', whole('--batch', 1))
      .option('--lr <x>', 'learning rate to start from', positive('--lr'))
      .option('--patience <n>', 'epochs without improvement that end the training', whole('--patience', 1))
      .option('--seed <n>', 'of weights, order and split (default: 0)', whole('--seed', 0, 2 ** 31 - 1))
      .option('--device <name>', `what computes: ${TARGETS.join(', ')} (default: auto)`, checked)
      .option('--threads <n>', 'threads (default: the physical cores)', whole('--threads', 1, 256))
      .option('--out <dir>', `where to save (default: runs/${name}-1, -2, …)`)
      .option('--resume <run>', 'go on with a run that was interrupted or killed, exactly where its last checkpoint is')
      .option(
        '--checkpoint-every <n>',
        'steps between checkpoints, besides after epochs',
        whole('--checkpoint-every', 1),
      )
      .option('--profile', 'at the end, list the kernels of a step that take longest')
      .option('--json', 'print one JSON object per line')
      .option('--debug', 'with errors, show where they come from')
      .action(async (options: FileTrainOptions) => {
        const early = Object.keys(train.opts())
        if (early.length > 0) throw new UsageError(`Options stand after the recipe's name: glia train ${name} --…`)
        const missing = needs.find((option) => options.resume === undefined && options[option] === undefined)
        if (missing) throw new UsageError(`glia train ${name} needs the option ${NEEDED[missing]}.`)
        await (await import('./train.ts')).trainOnFile(name, options)
      })
    speak(command)
  }
}
