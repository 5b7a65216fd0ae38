// clock-jump.mjs: loaded into Holdfast before anything else (--import): SIGUSR2 moves its clock, as a person or NTP
// would.
//
// The first signal sets it two hours ahead, the next two hours back, and so on. Only the wall clock moves, here as on a
// real machine: CLOCK_MONOTONIC, from which Node's timers and performance.now() come, never jumps.
const RealDate = Date
const hours = 2 * 3600 * 1000
let offset = 0

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
})

function now() {
  return RealDate.now() + offset
}

process.on('SIGUSR2', () => {
  offset = offset > 0 ? -hours : hours
})
