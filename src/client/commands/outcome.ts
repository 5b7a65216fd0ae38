// outcome.ts: what became of a command that a session has looked at. Types only.

/**
 * - `done`: taken; the next command may be looked at.
 * - `barrier`: taken; its reply may change what later commands mean, so they wait until everything before is answered.
 * - `wait`: not taken; offered again when everything before is answered.
 * - `look`: not taken; offered again when the client has been read from once more.
 * - `pass`: to be sent on as it came.
 */
export type Outcome = 'done' | 'barrier' | 'wait' | 'look' | 'pass'
