// reasons.ts: the tests of Redis's own suite that may pass directly and not through Holdfast, each with its reason.
// docs/guarantees.md names them, in the same words. A test that can be made to pass has no place here.

export interface Reason {
  readonly reason: string
  /** `UNIT: NAME`, as the suite prints them. */
  readonly tests: readonly string[]
}

export const reasons: readonly Reason[] = [
  {
    reason: '`connected_clients` of INFO counts connections of the server, `CLIENT KILL` clients of this Holdfast',
    tests: ['unit/introspection: CLIENT KILL SKIPME YES/NO will kill all clients'],
  },
  {
    reason: '`CLIENT ID` is answered by Holdfast, so the server has no statistics of it',
    tests: ['unit/latency-monitor: LATENCY HISTOGRAM sub commands'],
  },
  {
    reason: '`SHUTDOWN` is refused (`--deny-commands`)',
    tests: ['unit/multi: MULTI with SHUTDOWN'],
  },
  {
    reason: '`SUBSCRIBE` and `UNSUBSCRIBE` are refused inside `MULTI`',
    tests: ['unit/pubsub: unsubscribe inside multi, and publish to self'],
  },
  {
    reason:
      '`blocked_clients` of INFO counts connections of the server; writes of several clients may wait in one for the end of a `CLIENT PAUSE`',
    tests: [
      'unit/pause: Test scripts are blocked by pause RO',
      'unit/pause: Test multiple clients can be queued up and unblocked',
    ],
  },
]
