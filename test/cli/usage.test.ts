/** @file Help, lists, and what wrong usage gets: one sentence on standard error and exit status 2. */

import { describe, expect, it } from 'vitest'
import { list, TARGETS } from '../../src/cli/values.ts'
import * as create from '../../src/plan/create.ts'
import { fileRecipes } from '../../src/recipes/files/index.ts'
import { recipes as all } from '../../src/recipes/index.ts'
import { compiledTargets } from '../support/devices.ts'
import { useGlia } from './glia.ts'

const glia = useGlia()
/** Of all recipes, those for files last. */
const names = [...Object.keys(all), ...Object.keys(fileRecipes)]

describe('help', () => {
  it('lists the commands, and explains each', async () => {
    const { status, stdout, stderr } = await glia.run('--help')
    expect([status, stderr]).toEqual([0, ''])
    for (const command of [
      'train',
      'eval',
      'predict',
      'diagnose',
      'summary',
      'recipes',
      'lessons',
      'lesson',
      'bench',
      'doctor',
    ]) {
      expect(stdout).toContain(`\n  ${command} `)
      const help = await glia.run(command, '--help')
      expect([help.status, help.stderr]).toEqual([0, ''])
      expect(help.stdout).toContain(`Usage: glia ${command}`)
    }
    expect((await glia.run()).stdout).toBe(stdout)
  })

  it('comes with a version', async () => {
    const { status, stdout } = await glia.run('--version')
    expect([status, stdout]).toEqual([0, '0.1.0\n'])
  })
})

describe('lists', () => {
  it('recipes', async () => {
    const { status, stdout } = await glia.run('recipes')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^mlp /m)
    expect(stdout).toMatch(/^lenet5 /m)
    const lines = (await glia.run('recipes', '--json')).stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(names)
  })

  it("summary prints the layers' table", async () => {
    const { status, stdout, stderr } = await glia.run('summary', 'mlp')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Layer \(type\) +Output Shape +Param #\n/)
    expect(stdout).toMatch(/hidden \(Linear\) +\(None, 128\) +100480\n/)
    expect(stdout).toMatch(/Total params: 101,770\nTrainable params: 101,770\nNon-trainable params: 0\n$/)
  })

  it('doctor tells which targets there are', async () => {
    const { status, stdout } = await glia.run('doctor')
    expect(status).toBe(0)
    expect(stdout).toMatch(/✓ wasm +\d+ threads?; first result after \d+ ms/)
    expect(stdout).toMatch(/✓ interp/)
    expect(stdout).toMatch(/✗ webgpu +not in this build/)
    const { targets, features, auto } = JSON.parse((await glia.run('doctor', '--json')).stdout)
    const running = targets.filter((t: { ok: boolean }) => t.ok).map((t: { name: string }) => t.name)
    expect(running.toSorted()).toEqual(['interp', ...compiledTargets].toSorted())
    expect(auto).toBe(compiledTargets.at(-1))
    expect(stdout).toContain(`--target auto takes ${auto} here.\n`)
    expect(features.map((f: { name: string }) => f.name)).toContain('relaxed SIMD')
  })
})

it('--target takes every target that devices are made for', () => {
  expect(TARGETS).toEqual(['auto', ...create.TARGETS])
})

describe('wrong usage', () => {
  const recipes = `known are ${list(names)}.`
  const cases: [args: string, sentence: string | RegExp][] = [
    [
      'trian mlp',
      /^There is no command "trian"; known are train, eval, predict, .*recipes, .*bench, data and doctor\.$/,
    ],
    ['--fast', 'glia has no option --fast; known are --version and --help.'],
    ['train', 'glia train needs the argument <recipe>.'],
    ['train vgg99', `There is no recipe "vgg99"; ${recipes}`],
    ['train constructor', `There is no recipe "constructor"; ${recipes}`],
    ['summary vgg99', `There is no recipe "vgg99"; ${recipes}`],
    ['train mlp lenet5', 'glia train takes the argument <recipe>; received "mlp" "lenet5".'],
    ['predict run', 'glia predict needs the arguments <run> <file>.'],
    ['recipes all', 'glia recipes takes no arguments; received "all".'],
    ['train mlp --epoch 3', /^glia train has no option --epoch; known are --target, .*--epochs, .* and --help\.$/],
    ['train mlp --resume', 'The option --resume <run> needs a value.'],
    ['train mlp --epochs', 'The option --epochs <n> needs a value.'],
    ['train mlp --epochs 0', '--epochs must be a whole number of at least 1; received "0".'],
    ['train mlp --epochs -3', '--epochs must be a whole number of at least 1; received "-3".'],
    ['train mlp --epochs 1.5', '--epochs must be a whole number of at least 1; received "1.5".'],
    ['train mlp --epochs 1e3', '--epochs must be a whole number of at least 1; received "1e3".'],
    ['train mlp --batch many', '--batch must be a whole number of at least 1; received "many".'],
    ['train mlp --lr fast', '--lr must be a number greater than 0; received "fast".'],
    ['train mlp --lr -0.1', '--lr must be a number greater than 0; received "-0.1".'],
    ['train mlp --lr 0', '--lr must be a number greater than 0; received "0".'],
    ['train mlp --lr NaN', '--lr must be a number greater than 0; received "NaN".'],
    ['train mlp --lr 1e999', '--lr must be a number greater than 0; received "1e999".'],
    ['train mlp --seed -1', '--seed must be a whole number from 0 to 2147483647; received "-1".'],
    ['train mlp --threads 0', '--threads must be a whole number from 1 to 256; received "0".'],
    ['train mlp --limit x', '--limit must be a whole number of at least 1; received "x".'],
    ['train mlp --target gpu', '--target must be one of auto, avx512, avx2, wasm and interp; received "gpu".'],
    ['train mlp --threads -2', '--threads must be a whole number from 1 to 256; received "-2".'],
    ['train mlp --threads 1000', '--threads must be a whole number from 1 to 256; received "1000".'],
    ['bench matmul', /^There is no workload "matmul"; known are mlp, lenet5, .*matmul-1024 and elementwise\.$/],
    ['bench --seconds 0', '--seconds must be a number greater than 0; received "0".'],
    ['eval run --target webgpu', 'This build has no target webgpu; it has auto, avx512, avx2, wasm and interp.'],
  ]
  it.each(cases)('glia %s', async (args, sentence) => {
    const { status, stdout, stderr } = await glia.run(...args.split(' '))
    expect(stderr).toMatch(/^glia: .*\n$/)
    const message = stderr.slice('glia: '.length, -1)
    if (typeof sentence === 'string') expect(message).toBe(sentence)
    else expect(message).toMatch(sentence)
    expect([status, stdout]).toEqual([2, ''])
  })

  it('shows where an error comes from with --debug alone', async () => {
    expect((await glia.run('train', 'vgg99')).stderr).not.toContain(' at ')
    const { status, stderr } = await glia.run('train', 'vgg99', '--debug')
    expect(status).toBe(2)
    expect(stderr).toMatch(/There is no recipe "vgg99"[\s\S]*\n\s+at /)
  })
})
