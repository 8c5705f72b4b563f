/** Every error that Glia throws on purpose: it names the operation, what was received, the rule, and the fix. */
export class GliaError extends Error {
  override name = 'GliaError'
}
