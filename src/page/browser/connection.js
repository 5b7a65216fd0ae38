// connection.js: the stream of messages, and what is known of it: live, or broken since when and why.
//
// A browser comes back by itself after most breaks. Where it gives up (an answer that is no stream), this file asks why
// and tries again.

/** How long until the next try after the browser has given up, ms. */
const AGAIN_MS = 3_000
/** A message comes every second: without one for so long the connection is dead, whatever the browser thinks. */
const SILENT_MS = 5_000

/** @typedef {{ readonly live: boolean, readonly since: number, readonly why: string }} State */

/**
 * @param {string} path
 * @param {{ onHello(data: unknown): void, onTick(data: unknown): void, onState(state: State): void }} listener
 */
export function connect(path, listener) {
  /** @type {State} */
  let state = { live: false, since: Date.now(), why: 'connecting' }
  let heardAt = Date.now()
  /** Of the clock that nobody can set. */
  let heardTick = performance.now()
  /** @type {EventSource} */
  let source

  const tell = (/** @type {boolean} */ live, /** @type {string} */ why) => {
    if (state.live === live && state.why === why) return
    state = { live, why, since: state.live === live ? state.since : live ? Date.now() : heardAt }
    listener.onState(state)
  }
  const open = () => {
    heardTick = performance.now()
    source = new EventSource(path)
    const own = source
    const hear = (/** @type {(data: unknown) => void} */ then) => (/** @type {MessageEvent<string>} */ event) => {
      if (own !== source) return
      heardAt = Date.now()
      heardTick = performance.now()
      then(JSON.parse(event.data))
      tell(true, '')
    }
    own.addEventListener('hello', hear(listener.onHello))
    own.addEventListener('tick', hear(listener.onTick))
    own.addEventListener('error', () => {
      if (own !== source) return
      tell(false, 'it does not answer')
      if (own.readyState === EventSource.CLOSED) void askWhy()
    })
  }
  const askWhy = async () => {
    try {
      const { status } = await fetch(path, { method: 'HEAD', cache: 'no-store' })
      if (status === 503) tell(false, 'as many pages are open as there may be; close one')
      else if (status !== 200) tell(false, `it answers ${status}`)
    } catch {
      tell(false, 'it does not answer')
    }
    setTimeout(open, AGAIN_MS)
  }
  setInterval(() => {
    if (state.live && performance.now() - heardTick > SILENT_MS) {
      source.close()
      tell(false, 'it says nothing')
      open()
    }
  }, 1000)
  open()
}
