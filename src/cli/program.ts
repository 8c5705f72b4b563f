/** @file The commands and their options. */

import { readFileSync } from 'node:fs'
import { Command, type CommanderError } from 'commander'
import type { BenchOptions } from './bench.ts'
import { addData } from './data-options.ts'
import type { DiagnoseOptions } from './diagnose.ts'
import type { EvalOptions } from './eval.ts'
import type { ExportOptions } from './export.ts'
import { HelpShown, UsageError } from './failure.ts'
import { addFileRecipes } from './files/options.ts'
import type { LessonOptions } from './lesson.ts'
import type { PredictOptions } from './predict.ts'
import type { TrainOptions } from './train.ts'
import { list, positive, TARGETS, target, whole } from './values.ts'

/** Threads beyond this are surely a slip of the finger. */
const MAX_THREADS = 256
const DATA = 'directory of IDX files as of MNIST, or for cifar10 of its files (default: data that Glia makes itself)'

export function makeProgram(): Command {
  const program = new Command('glia')
    .description('Trains neural networks, measures them and predicts with them.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .action((_, command: Command) => command.outputHelp())
  speakPlainly(program)

  const add = (usage: string, description: string): Command => {
    const command = program.command(usage).description(description).helpOption('-h, --help', 'print this')
    speakPlainly(command)
    return command.showSuggestionAfterError(false)
  }
  const finish = (command: Command): Command => command.option('--debug', 'with errors, show where they come from')

  const train = device(add('train <recipe>', 'train a recipe, measure it and save it'))
    .option('--data <dir>', DATA)
    .option('--epochs <n>', 'times that the training set is gone through', whole('--epochs', 1))
    .option('--batch <n>', 'examples per step', whole('--batch', 1))
    .option('--lr <x>', 'learning rate to start from', positive('--lr'))
    .option('--seed <n>', 'of weights and order (default: 0)', whole('--seed', 0, 2 ** 31 - 1))
    .option('--limit <n>', 'use only the first examples of each set', whole('--limit', 1))
    .option('--out <dir>', 'where to save (default: runs/<recipe>-1, -2, …)')
    .option('--resume <run>', 'go on with a run that was interrupted or killed, exactly where its last checkpoint is')
    .option('--checkpoint-every <n>', 'steps between checkpoints, besides after epochs', whole('--checkpoint-every', 1))
    .option('--profile', 'at the end, list the kernels of a step that take longest')
    .option('--json', 'print one JSON object per line instead of a progress bar')
    .action(async (recipe: string, options: TrainOptions) => (await import('./train.ts')).train(recipe, options))
  finish(train)
  addFileRecipes(train, target, speakPlainly)

  const measure = device(
    add('eval <run>', 'measure a saved model, and draw how it does: confusion, predictions, the worst'),
  )
    .option(
      '--data <path>',
      'files like those that it was trained with (default: those, of which it takes the test set)',
    )
    .option('--limit <n>', 'use only the first examples', whole('--limit', 1))
    .option('--out <dir>', 'where to put pictures and worst examples (default: <run>/eval)')
    .option('--json', 'print one JSON object')
    .action(async (run: string, options: EvalOptions) => (await import('./eval.ts')).evaluateRun(run, options))
  finish(measure)

  const predict = add(
    'predict <run> <file>',
    'classify pictures (PNG, IDX), or predict from a file like the one trained on',
  )
    .option('--limit <n>', 'only the first pictures of an IDX file', whole('--limit', 1))
    .option('--out <file>', 'for tables and texts: save them instead of printing')
    .option('--length <n>', 'for text: characters to write (default: 500)', whole('--length', 1))
    .option(
      '--temperature <x>',
      'for text: below 1 is likelier, above 1 wilder (default: 0.8)',
      positive('--temperature'),
    )
    .option('--seed <n>', 'for text: of what is drawn (default: 0)', whole('--seed', 0, 2 ** 31 - 1))
    .option('--json', 'print one JSON object per picture')
    .action(async (run: string, file: string, options: PredictOptions) =>
      (await import('./predict.ts')).predictFile(run, file, options),
    )
  finish(predict)

  const diagnosis = add('diagnose <run>', 'say what the loss curves and layers of a run tell, and what to do')
    .option('--json', 'print one JSON object')
    .action(async (run: string, options: DiagnoseOptions) => (await import('./diagnose.ts')).diagnoseRun(run, options))
  finish(diagnosis)

  const exporting = add('export <run>', 'write a program that loads the trained model and predicts with it')
    .option('--out <dir>', 'where to put model.safetensors and the program (default: <run>/export)')
    .action(async (run: string, options: ExportOptions) => (await import('./export.ts')).exportRun(run, options))
  finish(exporting)

  const summary = add(
    'summary <name>',
    "list the layers, output shapes and parameters of a recipe, or of a run's model",
  ).action(async (name: string) => (await import('./summary.ts')).printSummary(name))
  finish(summary)

  const recipes = add('recipes', 'list the recipes')
    .option('--json', 'print one JSON object per recipe')
    .action(async (options: { json?: boolean }) => (await import('./summary.ts')).listRecipes(options))
  finish(recipes)

  const lessons = add('lessons', 'list the lessons: pages of courses as programs')
    .option('--json', 'print one JSON object per lesson')
    .action(async (options: { json?: boolean }) => (await import('./lesson.ts')).listLessons(options))
  finish(lessons)

  const lesson = device(add('lesson [name]', 'run a lesson: compute, draw and check what its page shows'))
    .option('--all', 'run every lesson, and print a line about each')
    .option('--out <dir>', 'where to put the drawings (default: lessons/<name>)')
    .option('--no-pictures', 'draw nothing')
    .addHelpText('after', '\nExamples:\n  glia lesson gradient-descent\n  glia lesson --all --no-pictures')
    .action(async (name: string | undefined, options: LessonOptions) =>
      (await import('./lesson.ts')).runLessons(name, options),
    )
  finish(lesson)

  const bench = device(add('bench [workload...]', 'time training steps of the recipes, and products'))
    .option('--seconds <x>', 'for each workload (default: 2)', positive('--seconds'))
    .option('--profile', 'list the kernels that take longest')
    .option('--json', 'print one JSON object per workload')
    .action(async (workloads: string[], options: BenchOptions) =>
      (await import('./bench.ts')).bench(workloads, options),
    )
  finish(bench)

  const data = add('data', 'download data sets, and list those that can be').action((_, command: Command) =>
    command.outputHelp(),
  )
  addData(data, speakPlainly)

  const doctor = add('doctor', 'tell what Glia can use on this machine')
    .option('--json', 'print one JSON object')
    .action(async (options: { json?: boolean }) => (await import('./doctor.ts')).doctor(options))
  finish(doctor)
  return program
}

/** Options of commands that compute at length. */
function device(command: Command): Command {
  return command
    .option('--target <name>', `what computes: ${TARGETS.join(', ')} (default: auto)`, target)
    .option('--threads <n>', 'threads (default: the physical cores)', whole('--threads', 1, MAX_THREADS))
}

export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}

/** Turns the parser's errors into sentences that name what would be right. */
function speakPlainly(command: Command): void {
  command.configureOutput({ outputError: () => {} }).exitOverride((error) => {
    throw error.exitCode === 0 ? new HelpShown() : new UsageError(explain(command, error))
  })
}

function explain(command: Command, { code, message }: CommanderError): string {
  const quoted = /'(.*)'/s.exec(message)?.[1] ?? ''
  const name = fullName(command)
  switch (code) {
    case 'commander.unknownCommand':
    case 'commander.excessArguments':
      if (command.commands.length > 0 && command.registeredArguments.length === 0) {
        const commands = command.commands.map((c) => c.name())
        const asked = [fullName(command), command.args[0] ?? quoted].join(' ').replace(/^glia /, '')
        return `There is no command ${JSON.stringify(asked)}; known are ${list(commands)}.`
      }
      return `${name} takes ${arguments_(command)}; received ${command.args.map((a) => JSON.stringify(a)).join(' ')}.`
    case 'commander.unknownOption':
      return `${name} has no option ${quoted}; known are ${list([...command.options.flatMap((o) => o.long ?? []), '--help'])}.`
    case 'commander.missingArgument':
      return `${name} needs ${arguments_(command)}.`
    case 'commander.optionMissingArgument':
      return `The option ${quoted} needs a value.`
    case 'commander.missingMandatoryOptionValue':
      return `${name} needs the option ${quoted}.`
    default:
      return message.replace(/^error: /, '').split('\n')[0]
  }
}

/** `glia train tabular`. */
function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : 'glia'
}

function arguments_(command: Command): string {
  const names = command.registeredArguments.map((a) => `<${a.name()}>`)
  return names.length === 0 ? 'no arguments' : `the argument${names.length > 1 ? 's' : ''} ${names.join(' ')}`
}
