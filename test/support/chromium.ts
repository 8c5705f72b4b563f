/** @file Finds Chromium, starts it, and watches what a page asks for and complains about. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'

/** The browser's path: CHROMIUM_PATH, Debian's place, or what the search path holds. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH, PATH = '' } = process.env
  if (CHROMIUM_PATH) return isExecutable(CHROMIUM_PATH) ? CHROMIUM_PATH : undefined
  const names = ['chromium', 'chromium-browser', 'google-chrome']
  const places = PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return ['/usr/bin/chromium', ...places].find(isExecutable)
}

export const chromiumIsMissing =
  'Chromium was not found. Install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to an executable.'

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking'] })
}

/** What a page did besides its work. */
export interface Log {
  /** Addresses asked for, `blob:` left out, in order. */
  readonly requests: string[]
  /** Errors and warnings on the console, exceptions, failed requests. */
  readonly complaints: string[]
}

/** Notes everything that a page and its workers ask for and complain about; not that there is no icon. */
export function watch(page: Page): Log {
  const log: Log = { requests: [], complaints: [] }
  const isIcon = (url: string): boolean => url.endsWith('/favicon.ico')
  page.on('request', (request) => {
    if (!isIcon(request.url()) && !request.url().startsWith('blob:')) log.requests.push(new URL(request.url()).pathname)
  })
  page.on('requestfailed', (request) => log.complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    if (!isIcon(message.location().url)) log.complaints.push(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => log.complaints.push(String(error)))
  return log
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
