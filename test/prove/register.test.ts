// The search for an order of all answers finds one where there is one: held against trying every order.
import fc from 'fast-check'
import t from 'tap'
import { isLinearizable, type Step } from './register.ts'

const at = (begun: number, ended: number): { begun: number; ended: number } => ({ begun, ended })

t.test('register — sees an answer that comes too early, too late, or from nowhere', async t => {
  const write: Step = { kind: 'write', value: '1', ...at(0, 1) }
  t.ok(isLinearizable([write, { kind: 'read', value: '1', ...at(2, 3) }]))
  t.ok(isLinearizable([write, { kind: 'read', value: null, ...at(0, 3) }]), 'at the same time')
  t.notOk(isLinearizable([write, { kind: 'read', value: null, ...at(2, 3) }]), 'too late')
  t.notOk(
    isLinearizable([
      { ...write, ...at(4, 5) },
      { kind: 'read', value: '1', ...at(2, 3) },
    ]),
    'too early',
  )
  t.notOk(isLinearizable([write, { kind: 'read', value: '2', ...at(2, 3) }]), 'from nowhere')
})

t.test('register — a doubled write comes back — and has no order', async t => {
  const steps: Step[] = [
    { kind: 'write', value: '1', ...at(0, 1) },
    { kind: 'write', value: '2', ...at(2, 3) },
    { kind: 'read', value: '2', ...at(4, 5) },
    { kind: 'read', value: '1', ...at(6, 7) },
  ]
  t.notOk(isLinearizable(steps))
})

t.test('register — of two that compare the same value one is wrong', async t => {
  const steps: Step[] = [
    { kind: 'write', value: '1', ...at(0, 1) },
    { kind: 'cas', value: '2', expected: '1', ...at(2, 5) },
    { kind: 'cas', value: '3', expected: '1', ...at(2, 5) },
  ]
  t.notOk(isLinearizable(steps))
  t.ok(isLinearizable(steps.slice(0, 2)))
})

t.test('register — a write that may be sent again — comes back until its answer, and not later', async t => {
  const first: Step = { kind: 'write', value: '1', ...at(0, 5), repeats: true }
  const second: Step = { kind: 'write', value: '2', ...at(2, 3) }
  const read = (value: string, begun: number): Step => ({ kind: 'read', value, ...at(begun, begun + 0.5) })
  const back = [first, read('1', 1), second, read('2', 3.5)]
  t.ok(isLinearizable([...back, read('1', 6)]))
  t.notOk(isLinearizable([...back, read('1', 6)].map(step => ({ ...step, repeats: false }))), 'where it may not')
  t.ok(isLinearizable([...back, read('1', 4), { ...second, value: '3', ...at(4.6, 4.8) }, read('1', 6)]), 'twice')
  t.ok(isLinearizable([...back, read('2', 6)]), 'it need not')
  t.notOk(isLinearizable([...back, read('2', 6), read('1', 7)]), 'behind its answer')
  t.notOk(isLinearizable([...back, read('1', 4), { ...second, value: '3', ...at(5.5, 6) }, read('1', 7)]), 'then once')
  const lost = { ...first, ended: 1, optional: true }
  t.ok(isLinearizable([lost, read('1', 1.5), second, read('1', 6)]), 'one without an answer has no end')
})

/** Every order of every choice of what is optional, and of how often what may be repeated stands in it. */
function tryAll(left: readonly Step[], value: string | null, repeats = 0): boolean {
  if (left.every(({ optional }) => optional)) return true
  return left.some(step => {
    if (left.some(other => other !== step && !other.optional && other.ended < step.begun)) return false
    if (step.kind === 'read' && step.value !== value) return false
    if (step.kind === 'cas' && (step.expected ?? null) !== value) return false
    const rest = left.filter(other => other !== step)
    if (tryAll(rest, step.kind === 'read' ? value : step.value, repeats)) return true
    return step.repeats === true && repeats > 0 && tryAll(left, step.value, repeats - 1)
  })
}

t.test('register — finds what trying every order finds', async t => {
  const value = fc.constantFrom('1', '2', null)
  const steps = fc.array(
    fc
      .record({
        kind: fc.constantFrom('write', 'read', 'cas'),
        ...{ value, expected: value, optional: fc.boolean(), repeats: fc.boolean() },
        ...{ begun: fc.integer({ min: 0, max: 12 }), length: fc.integer({ min: 1, max: 6 }) },
      })
      .map(({ length, ...step }) => {
        const { kind, begun } = step
        const repeats = step.repeats && kind === 'write'
        return { ...step, repeats, ended: begun + length - 0.5, optional: step.optional && kind !== 'read' }
      }),
    { maxLength: 6 },
  )
  /** A repetition shows where somebody sees its value, and each sees one. */
  const seers = (steps: readonly Step[]): number => steps.filter(({ kind }) => kind !== 'write').length
  const property = fc.property(steps, steps => {
    if (isLinearizable(steps) !== tryAll(steps, null, seers(steps))) throw new Error(JSON.stringify(steps))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }))
})
