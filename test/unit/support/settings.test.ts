// What `npm run test:policies` tells the tests.
import t from 'tap'
import { readSettings } from '../../support/settings.ts'

t.test('settings — of the environment — or none', async t => {
  t.match(readSettings({}), { policy: null, ack: 'master', reads: 'plain', isReplicated: false, hasMarkers: false })
  t.match(readSettings({ HOLDFAST_TEST_POLICY: 'once' }), { policy: 'once', isReplicated: false, hasMarkers: true })
  t.match(readSettings({ HOLDFAST_TEST_POLICY: 'safe' }), { policy: 'safe', hasMarkers: false })
  const acked = { HOLDFAST_TEST_ACK: 'replicated', HOLDFAST_TEST_READS: 'committed' }
  t.match(readSettings(acked), { policy: null, reads: 'committed', isReplicated: true, hasMarkers: true })
  t.throws(() => readSettings({ HOLDFAST_TEST_POLICY: 'twice' }), /twice is none of always, safe, once/)
})
