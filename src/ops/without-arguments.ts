// without-arguments.ts: an error of a server that people may read. Pure.

/**
 * The error without what a server repeats of a command that it does not have (commandCheckExistence in server.c): behind
 * `HELLO` and `AUTH` that is a password, and the log has none.
 */
export function withoutArguments(message: string): string {
  return message.replace(/,? with args beginning with:.*$/s, '')
}
