import t from 'tap'
import { createLog } from '../../../src/ops/log.ts'
import { MissingRights } from '../../../src/ops/missing-rights.ts'
import { Prober } from '../../../src/sentinel/prober.ts'
import { createNatMap } from '../../../src/transport/nat-map.ts'
import { Password } from '../../../src/transport/password.ts'
import { ServerRoutes } from '../../../src/transport/server-route.ts'

t.test('a question — is answered all the same — when an error of ours is in its way', async t => {
  const log = createLog('silent')
  const options = {
    redisLogin: { username: null, password: new Password(null) },
    redisRoutes: new ServerRoutes('redis', { tls: null, nat: createNatMap([]) }),
    log,
    connectTimeoutMs: 100,
    answerTimeoutMs: 100,
    links: {
      bytesIn: (): number => {
        throw new Error('a bug')
      },
      isUpTo: () => false,
    },
  }
  const answer = await new Promise<unknown>(resolve => {
    new Prober(options, new MissingRights(log), resolve).ask({ host: '127.0.0.1', port: 1 }, 7)
  })
  t.match(answer, { kind: 'probed', startedAt: 7, result: { kind: 'unreachable' }, links: 'none' })
})
