/** @file A progress bar for people, drawn where a terminal is, and plain lines elsewhere. */

import type { BatchInfo, Callback, EpochInfo } from './callbacks.ts'
import type { Scores } from './metrics.ts'

export interface ProgressOptions {
  /** Takes text as it is, such as `(text) => process.stderr.write(text)`. Default: standard output, or the console. */
  readonly write?: (text: string) => void
  /** Whether lines can be drawn over again. Default: whether standard output is a terminal. */
  readonly live?: boolean
  /** Characters per line. Default: the terminal's, or 80. */
  readonly columns?: () => number
}

interface Terminal {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Milliseconds between two drawings. */
const FRAME = 80
/** Characters of the bar: what the line leaves, within these bounds. */
const BAR = { least: 8, most: 30 }
const EIGHTHS = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** Shows a training: a live bar with rate, time left, loss and metrics, and one line that stays per epoch. */
export function progressBar(options: ProgressOptions = {}): Callback {
  const terminal = (globalThis as { process?: { stdout?: Terminal } }).process?.stdout
  const write = options.write ?? ((text) => (terminal ? terminal.write(text) : console.log(text.replace(/\n$/, ''))))
  const live = options.live ?? terminal?.isTTY ?? false
  const columns = options.columns ?? (() => terminal?.columns ?? 80)
  let drawn = -Infinity
  const clear = (): void => {
    if (live && drawn > 0) write('\r\x1b[K')
  }
  return {
    onBatchEnd: (info) => {
      const now = performance.now()
      // The first step compiles, and tells nothing of the pace.
      if (!live || info.step === 1 || (now - drawn < FRAME && info.step !== info.steps)) return
      drawn = now
      write(`\r${barLine(info, columns() - 1)}\x1b[K`)
    },
    onEpochEnd: (info) => {
      clear()
      write(`${epochLine(info)}\n`)
    },
    onTrainEnd: (history) => {
      // An unfinished epoch's bar has nothing to say any more.
      if (history.stopped) clear()
    },
  }
}

/**
 * `Epoch 3/8 ▕██████   ▏  62 %  2.1 s left …` while an epoch runs, at most `width` characters; `Epoch 3/8  1,204 steps …`
 * where nobody knows how many there are.
 */
export function barLine(info: BatchInfo, width: number): string {
  const { step, steps, eta, rate, loss, metrics } = info
  if (steps === undefined || eta === undefined) {
    const line = `${head(info)}  ${count(step)} steps  ${count(rate)}/s  ${scores({ ...metrics, loss })}`
    return line.slice(0, Math.max(1, width))
  }
  const share = step / steps
  const percent = `${Math.floor(100 * share)}`.padStart(3)
  const rest = `${percent} %  ${duration(eta)} left  ${count(rate)}/s  ${scores({ ...metrics, loss })}`
  const room = width - head(info).length - rest.length - 4
  return `${head(info)} ${bar(share, Math.min(BAR.most, Math.max(BAR.least, room)))} ${rest}`.slice(
    0,
    Math.max(1, width),
  )
}

/** The line that stays when an epoch is over. */
export function epochLine(info: EpochInfo): string {
  const { train, val, seconds, rate } = info
  const validation = val ? `  ·  validation ${scores(val)}` : ''
  const pace = `${duration(seconds).padStart(7)}  ${count(rate).padStart(7)}/s`
  return `${head(info)}${pace}  ${scores(train)}${validation}`
}

function head({ epoch, epochs }: { readonly epoch: number; readonly epochs: number }): string {
  if (!Number.isFinite(epochs)) return `Epoch ${epoch}`
  return `Epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`
}

/** Full blocks and eighths of one: moves smoothly. */
function bar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8)
  const full = Math.floor(eighths / 8)
  const rest = full < width ? EIGHTHS[eighths % 8] : ''
  return `▕${('█'.repeat(full) + rest).padEnd(width)}▏`
}

/** `loss 0.0421  accuracy 98.71 %`: shares in percent, all else as it is. */
export function scores({ loss, ...metrics }: Scores): string {
  const rest = Object.entries(metrics).map(([name, value]) =>
    name.endsWith('accuracy') ? `${name} ${(100 * value).toFixed(2)} %` : `${name} ${value.toPrecision(4)}`,
  )
  return [`loss ${loss.toFixed(4)}`, ...rest].join('  ')
}

/** `0.8 s`, `12 s`, `3:05`, `1:02:45`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const two = (n: number): string => String(n).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** `1,204`. */
function count(rate: number): string {
  return Math.round(rate).toLocaleString('en-US')
}
