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

/** Every order of every choice of what is optional. */
function tryAll(left: readonly Step[], value: string | null): boolean {
  if (left.every(({ optional }) => optional)) return true
  return left.some(step => {
    if (left.some(other => other !== step && !other.optional && other.ended < step.begun)) return false
    if (step.kind === 'read' && step.value !== value) return false
    if (step.kind === 'cas' && (step.expected ?? null) !== value) return false
    return tryAll(
      left.filter(other => other !== step),
      step.kind === 'read' ? value : step.value,
    )
  })
}

t.test('register — finds what trying every order finds', async t => {
  const value = fc.constantFrom('1', '2', null)
  const steps = fc.array(
    fc
      .record({
        kind: fc.constantFrom('write', 'read', 'cas'),
        ...{ value, expected: value, optional: fc.boolean() },
        ...{ begun: fc.integer({ min: 0, max: 12 }), length: fc.integer({ min: 1, max: 6 }) },
      })
      .map(({ length, ...step }) => {
        return { ...step, ended: step.begun + length - 0.5, optional: step.optional && step.kind !== 'read' }
      }),
    { maxLength: 6 },
  )
  const property = fc.property(steps, steps => {
    if (isLinearizable(steps) !== tryAll(steps, null)) throw new Error(JSON.stringify(steps))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2000 }))
})
