import t from 'tap'
import { parseEvent, type SentinelEvent } from '../../../src/sentinel/events.ts'

const old = { host: '10.0.0.1', port: 6379 }
const replica = { host: '10.0.0.2', port: 6380 }
const aboutMaster = 'master mymaster 10.0.0.1 6379'
const aboutReplica = 'slave 10.0.0.2:6380 10.0.0.2 6380 @ mymaster 10.0.0.1 6379'

const aboutSentinel = 'sentinel 5eed 10.0.0.9 26379 @ mymaster 10.0.0.1 6379'

const vectors: [channel: string, text: string, event: SentinelEvent | undefined][] = [
  ['+try-failover', aboutMaster, { kind: 'failover-try', master: old }],
  ['+elected-leader', aboutMaster, { kind: 'failover-elected', master: old, replica: null }],
  ['+failover-state-select-slave', aboutMaster, { kind: 'failover-elected', master: old, replica: null }],
  ['+selected-slave', aboutReplica, { kind: 'failover-elected', master: old, replica }],
  ['+failover-state-send-slaveof-noone', aboutReplica, { kind: 'failover-elected', master: old, replica }],
  ['+failover-state-wait-promotion', aboutReplica, { kind: 'failover-elected', master: old, replica }],
  ['+promoted-slave', aboutReplica, { kind: 'failover-promoted', master: old, replica }],
  ['+failover-state-reconf-slaves', aboutMaster, { kind: 'failover-promoted', master: old, replica: null }],
  ['-failover-abort-not-elected', aboutMaster, { kind: 'failover-aborted', master: old, why: 'not-elected' }],
  ['-failover-abort-no-good-slave', aboutMaster, { kind: 'failover-aborted', master: old, why: 'no-good-slave' }],
  ['-failover-abort-slave-timeout', aboutMaster, { kind: 'failover-aborted', master: old, why: 'slave-timeout' }],
  ['+switch-master', 'mymaster 10.0.0.1 6379 10.0.0.2 6380', { kind: 'switched', from: old, to: replica }],
  ['+sdown', aboutMaster, undefined],
  ['+odown', `${aboutMaster} #quorum 2/2`, { kind: 'doubted', master: old, over: false }],
  ['-odown', aboutMaster, { kind: 'doubted', master: old, over: true }],
  ['+tilt', '#tilt mode entered', { kind: 'tilt', on: true }],
  ['-tilt', '#tilt mode exited', { kind: 'tilt', on: false }],
  ['+monitor', `${aboutMaster} quorum 2`, { kind: 'monitored', master: old }],
  ['+reset-master', aboutMaster, { kind: 'stir', what: '+reset-master' }],
  ['-monitor', aboutMaster, { kind: 'stir', what: '-monitor' }],
  ['+reboot', aboutMaster, { kind: 'stir', what: '+reboot' }],
  ['+reboot', aboutReplica, undefined],
  ['+failover-end', aboutMaster, undefined],
  ['+config-update-from', aboutSentinel, undefined],
  ['+sentinel', aboutSentinel, { kind: 'peers', what: '+sentinel' }],
  ['+sdown', aboutSentinel, undefined],
  [
    '+sentinel-address-switch',
    `${aboutMaster} ip 10.0.0.8 port 26379 for 5eed`,
    { kind: 'peers', what: '+sentinel-address-switch' },
  ],
  [
    '+selected-slave',
    'slave ::2 ::2 6380 @ mymaster ::1 6379',
    {
      kind: 'failover-elected',
      master: { host: '::1', port: 6379 },
      replica: { host: '::2', port: 6380 },
    },
  ],
  ['+sdown', aboutReplica, undefined],
  ['+try-failover', 'master other 10.0.0.1 6379', undefined],
  ['+try-failover', 'master mymaster2 10.0.0.1 6379', undefined],
  ['+selected-slave', 'slave 10.0.0.2:6380 10.0.0.2 6380 @ other 10.0.0.1 6379', undefined],
  ['+switch-master', 'other 10.0.0.1 6379 10.0.0.2 6380', undefined],
  ['+switch-master', 'mymaster 10.0.0.1 6379 10.0.0.2', undefined],
  ['+new-epoch', '7', { kind: 'epoch', epoch: 7 }],
  ['+new-epoch', 'x', undefined],
  ['+vote-for-leader', '5eed 7', undefined],
  ['+slave', aboutReplica, undefined],
  ['+try-failover', 'master mymaster 10.0.0.1 66666', undefined],
  ['+try-failover', 'master mymaster 10.0.0.1 x', undefined],
  ['+try-failover', 'master mymaster', undefined],
  ['+try-failover', '', undefined],
]

for (const [channel, text, event] of vectors) {
  t.test(`event — reads ${channel} — given "${text}"`, async t => {
    t.strictSame(parseEvent(channel, text, 'mymaster'), event)
  })
}
