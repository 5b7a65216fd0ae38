/** A file that takes longer is ended. */
export const fileLimitMs: number
/** What takes more than half a minute on a quiet machine, longest first. */
export const longest: readonly string[]
/** Longest first, each once. */
export function inOrder(files: readonly string[]): string[]
