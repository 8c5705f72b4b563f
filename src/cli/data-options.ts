/** @file The command `glia data` and its options. Loads nothing, so that help comes at once. */

import type { Command } from 'commander'
import type { GetOptions } from './data-get.ts'

/** Adds `data get` and `data list`; `plain` has a command speak as all others do. */
export function addData(data: Command, plain: (command: Command) => void): void {
  const add = (usage: string, description: string): Command => {
    const command = data.command(usage).description(description).helpOption('-h, --help', 'print this')
    plain(command)
    return command.showSuggestionAfterError(false)
  }
  add('get <name>', 'download a data set from its publishers, and check it')
    .option('--to <dir>', 'where to put it (default: data/<name>)')
    .option('--mirror <address>', 'of a directory with the same files, asked instead of the publishers')
    .option('--json', 'print one JSON object per file instead of a progress line')
    .option('--debug', 'with errors, show where they come from')
    .addHelpText('after', '\nExamples:\n  glia data get mnist\n  glia data get cifar10 --to /scratch/cifar10')
    .action(async (name: string, options: GetOptions) => (await import('./data-get.ts')).getData(name, options))
  add('list', 'list the data sets that can be downloaded')
    .option('--json', 'print one JSON object per data set')
    .option('--debug', 'with errors, show where they come from')
    .action(async (options: { json?: boolean }) => (await import('./data-get.ts')).listData(options))
}
