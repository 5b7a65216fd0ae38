// What the log has of a replica that is restarted: that sessions leave it. Of a hold only where a command has waited.
import t from 'tap'
import { waitUntil } from '../support/wait-until.ts'
import { connect, open, type Scene, untilRead } from './split-scene.ts'

const holdsOf = ({ holdfast }: Scene, from: number): unknown[] =>
  holdfast.log.slice(from).filter(({ event, group }) => group !== undefined && event?.startsWith('hold.'))

const movesOf = ({ holdfast }: Scene, cause: string): number =>
  holdfast.log.filter(line => line.event === 'replicas.move' && line.cause === cause).length

t.test('the log — a replica is restarted while no client reads — tells of no hold', async t => {
  const scene = await open(t)
  const client = await connect(t, scene)
  await untilRead(scene, client)
  const from = scene.holdfast.log.length
  for (let round = 1; round <= 2; round++) {
    const moves = scene.holdfast.log.filter(line => line.event === 'replicas.move').length
    await scene.set.kill(scene.replica)
    const hasLeft = (): boolean => scene.holdfast.log.filter(line => line.event === 'replicas.move').length > moves
    await waitUntil('its sessions leave it', hasLeft, { withinMs: 20_000 })
    await scene.set.restart(scene.replica)
    const isBack = (): boolean => movesOf(scene, 'replica-back') >= round
    await waitUntil('they are back', isBack, { withinMs: 30_000 })
    await untilRead(scene, client)
  }
  t.strictSame(holdsOf(scene, from), [])
  await scene.holdfast.stop()
})

t.test('the log — a read waits while its replica is gone — tells of the hold from then on', async t => {
  const scene = await open(t)
  const client = await connect(t, scene)
  await untilRead(scene, client)
  const from = scene.holdfast.log.length
  await scene.set.stop(scene.replica)
  const { commands } = scene.holdfast.counters
  const reply = client.send('GET', 'k')
  await waitUntil('it is sent', () => scene.holdfast.counters.commands > commands, { withinMs: 10_000 })
  await scene.set.kill(scene.replica)
  t.equal(await reply, null)
  const told = (): boolean => holdsOf(scene, from).length >= 3
  await waitUntil('it is told', told, { withinMs: 10_000 })
  t.match(holdsOf(scene, from), [{ event: 'hold.start' }, { event: 'hold.drain' }, { event: 'hold.end', drained: 1 }])
  await scene.holdfast.stop()
})
