/** @file For values that the planner knows to be there. */

/** `value`, which is known to be set. */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('internal: the planner lost a value')
  return value
}
