// judge-sentinels.ts: judges each Sentinel by itself, and all of them together. Pure.
import { type Address, formatAddress, sameAddress } from '../address.ts'
import { unknownRemedy } from '../ops/missing-rights.ts'
import { candidateOf, majorityOf, type Vote } from '../sentinel/majority.ts'
import { knowsNoAuth, sentinelRemedy } from '../sentinel/remedies.ts'
import type { Evidence, SentinelEvidence, SentinelView } from './evidence.ts'
import { type Finding, judgeContact, lostWords, ok, problem, warning } from './finding.ts'
import { judgeLost } from './judge-tls.ts'
import type { CheckSettings } from './settings.ts'

const together = 'Sentinels'
export const tiltRemedy = 'its clock jumped or its host stalls: look at the host; it acts again after 30 quiet seconds'

/** Holdfast serves without these rights, with a cost. */
const useful: readonly string[] = ['sentinel|replicas', 'sentinel|myid', 'client|setname']
const ofTheCheck = new Map([
  ['sentinel|ckquorum', 'whether their quorum is there'],
  ['info', 'whether they are in TILT mode'],
])

interface Seen {
  readonly sentinel: SentinelEvidence
  readonly view: SentinelView
}

export function judgeSentinels({ sentinels, oneForMany }: Evidence, settings: CheckSettings): Finding[] {
  const seen = sentinels.flatMap(sentinel => (sentinel.view ? [{ sentinel, view: sentinel.view }] : []))
  return [
    ...sentinels.flatMap(sentinel => judgeOne(sentinel, settings)),
    ...oneForMany.map(judgeOneForMany),
    ...judgeNumber(sentinels, seen),
    ...judgeQuorum(seen, settings),
    ...judgeAgreement(seen, settings),
    ...judgeUnasked(sentinels),
  ]
}

function judgeOne(sentinel: SentinelEvidence, settings: CheckSettings): Finding[] {
  const subject = `Sentinel ${formatAddress(sentinel.address)}`
  const { address, announced } = sentinel
  const isMapped = announced !== null && settings.mapped.some(from => sameAddress(from, announced))
  const side = { kind: 'sentinel', subject, tlsOption: 'sentinel-tls', address, announced, isMapped } as const
  const unmet = judgeContact(sentinel.contact, side)
  if (unmet) return [unmet]
  if (sentinel.refused) {
    const lost = judgeLost(sentinel.refused, { side: 'sentinel', subject, usesTls: settings.sentinelTls })
    return [lost ?? judgeRefusal(sentinel.refused, { subject, user: settings.sentinelUsername })]
  }
  if (!sentinel.isSentinel) {
    const remedy = 'give the port of the Sentinel (26379 by default), not that of a data node'
    return [
      problem('sentinel.not_a_sentinel', subject, 'is no Sentinel: it does not know the command SENTINEL', remedy),
    ]
  }
  const findings: Finding[] = []
  const missing = sentinel.denied.filter(right => !useful.includes(right) && !ofTheCheck.has(right))
  const lesser = sentinel.denied.filter(right => useful.includes(right))
  if (missing.length > 0) {
    const remedy = sentinelRemedy('NOPERM', settings.sentinelUsername) ?? ''
    const what = `our user may not run: ${missing.join(', ')}`
    findings.push(problem('sentinel.rights', subject, what, remedy))
  } else if (lesser.length > 0) {
    const rules = lesser.map(right => `+${right}`).join(' ')
    const remedy = `ACL SETUSER ${settings.sentinelUsername ?? 'default'} ${rules}, on every Sentinel`
    const what = `our user may not run: ${lesser.join(', ')}; docs/access.md says what each lack costs`
    findings.push(warning('sentinel.fewer_rights', subject, what, remedy))
  }
  if (sentinel.otherNames) {
    const what = `does not know the master name ${settings.masterName}; ${othersKnown(sentinel.otherNames)}`
    findings.push(problem('sentinel.unknown_master', subject, what, 'correct --master, or run SENTINEL MONITOR there'))
  }
  if (sentinel.inTilt) {
    findings.push(problem('sentinel.tilt', subject, 'is in TILT mode and starts no failover', tiltRemedy))
  }
  if (findings.every(({ level }) => level === 'warning')) findings.unshift(ok(subject, aboutOne(sentinel)))
  return findings
}

function othersKnown(names: readonly string[] | 'untold'): string {
  if (names === 'untold') return 'our user may not run sentinel|masters, which would name those that it knows'
  return names.length === 0 ? 'it watches no master' : `it knows: ${names.join(', ')}`
}

/** What this check alone asks: without an answer it cannot see what that would tell. */
function* judgeUnasked(sentinels: readonly SentinelEvidence[]): Iterable<Finding> {
  for (const [right, what] of ofTheCheck) {
    if (!sentinels.some(({ denied }) => denied.includes(right))) continue
    const text = `${what} is left out: our user may not run ${right}`
    yield { level: 'note', id: 'note', subject: together, text, remedy: null }
  }
}

function aboutOne({ contact, view }: SentinelEvidence): string {
  const ms = contact.kind === 'answers' ? `answers in ${Math.max(1, Math.round(contact.ms))} ms` : ''
  return view ? `${ms}, names ${formatAddress(view.master)}, epoch ${view.epoch}, quorum ${view.quorum}` : ms
}

function judgeRefusal(
  refused: { code: string; text: string },
  about: { subject: string; user: string | null },
): Finding {
  const { subject, user } = about
  if (refused.code === 'LOST') return problem('sentinel.refused', subject, ...lostWords(refused))
  const said = `refuses us: ${refused.text}`
  if (refused.code === 'NOAUTH') {
    return problem('sentinel.no_password', subject, 'asks for a password, and none is given', 'set --sentinel-password')
  }
  if (/without any password configured/.test(refused.text)) {
    const remedy = 'take --sentinel-password away'
    return problem('sentinel.needless_password', subject, 'has no password, and one is given', remedy)
  }
  if (knowsNoAuth(refused.text)) return problem('sentinel.refused', subject, said, unknownRemedy)
  return sentinelRemedy(refused.text, user) === null
    ? problem('sentinel.refused', subject, said, 'look at its log')
    : problem('sentinel.password', subject, said, 'correct --sentinel-username and --sentinel-password')
}

function judgeOneForMany({ place, announced }: Evidence['oneForMany'][number]): Finding {
  const what = `--nat-map leads ${announced.map(formatAddress).join(', ')} to one place, ${formatAddress(place)}: they count as one`
  const remedy = 'give each Sentinel an address of its own in --nat-map: behind a load balancer there is no majority'
  return problem('sentinels.one_place', together, what, remedy)
}

function* judgeNumber(sentinels: readonly SentinelEvidence[], seen: readonly Seen[]): Iterable<Finding> {
  const there = sentinels.filter(one => isThere(one, sentinels))
  const known = Math.max(there.length, ...seen.map(({ view }) => view.knownSentinels))
  const needed = majorityOf(known)
  const gone = goneForAll(sentinels)
  if (known === 0 || seen.length === 0) {
    const what = `none of the ${sentinels.length} given can be asked about this master`
    const remedy = 'mend what is said of each: without an answer nothing is served'
    yield problem('sentinels.minority', together, what, remedy)
    return
  }
  if (seen.length < needed) {
    const what = `only ${seen.length} of ${known} can be asked about this master; a majority is ${needed}`
    const remedy =
      'no failover is possible and none is followed; Holdfast serves while all in reach agree, at least a quorum: ' +
      'bring them back, or where they are gone for good SENTINEL RESET on each of the others'
    yield problem('sentinels.minority', together, what, remedy)
  }
  if (known > there.length || gone > 0) {
    const found = Math.min(there.length, known) - gone
    const what = `they count ${known}, and only ${found} can be found: some of those they remember are gone`
    const remedy =
      'those count for the majority: SENTINEL RESET on each Sentinel, one after the other, half a minute apart'
    yield warning('sentinels.forgotten', together, what, remedy)
  }
  if (known === 1) {
    const what = 'there is one: when it is gone, nobody fails over'
    yield warning('sentinels.one', together, what, 'run three, on three hosts')
  } else if (known === 2) {
    const what = 'there are two: with either one gone there is no majority, and so no failover'
    yield warning('sentinels.two', together, what, 'run a third, on a third host')
  } else if (known % 2 === 0) {
    const what = `there are ${known}: an even number stands no more failures than ${known - 1} and can be cut in halves`
    yield warning('sentinels.even', together, what, 'run one more or one less')
  }
  const hosts = new Set(sentinels.map(({ address }) => address.host))
  if (known > 1 && hosts.size === 1) {
    const what = `all are on one host (${[...hosts].join()}): it takes all of them with it`
    yield warning('sentinels.one_host', together, what, 'run them on hosts that fail independently')
  }
}

/** False for a seed where nobody answers and that nobody lists: our own mistake, with a finding of its own. */
function isThere(one: SentinelEvidence, all: readonly SentinelEvidence[]): boolean {
  if (one.contact.kind === 'answers' || one.announced !== null) return true
  return all.some(({ peers }) => peers.some(({ address }) => sameAddress(address, one.address)))
}

/** How many Sentinels are out of reach both from here and for all who list them. */
function goneForAll(sentinels: readonly SentinelEvidence[]): number {
  return sentinels.filter(({ contact, address, announced }) => {
    if (contact.kind === 'answers') return false
    const listings = sentinels.flatMap(({ peers }) =>
      peers.filter(peer => sameAddress(peer.address, announced ?? address)),
    )
    return listings.length > 1 && listings.every(({ down }) => down)
  }).length
}

function* judgeQuorum(seen: readonly Seen[], { masterName }: CheckSettings): Iterable<Finding> {
  const quorums = [...new Set(seen.map(({ view }) => view.quorum))].sort((a, b) => a - b)
  const known = Math.max(0, ...seen.map(({ view }) => view.knownSentinels))
  const highest = quorums.at(-1) ?? 0
  for (const { sentinel } of seen) {
    if (sentinel.noQuorum === null) continue
    const remedy = `bring Sentinels back, or correct the quorum: SENTINEL SET ${masterName} quorum N`
    yield problem('sentinels.no_quorum', `Sentinel ${formatAddress(sentinel.address)}`, sentinel.noQuorum, remedy)
  }
  if (highest > known) {
    const what = `the quorum is ${highest}, and there are ${known} Sentinels: the master can never be found down`
    const remedy = `SENTINEL SET ${masterName} quorum ${majorityOf(known)} on each`
    yield problem('sentinels.quorum_too_high', together, what, remedy)
  } else if (highest === 1 && known > 2) {
    const what = 'the quorum is 1: what a single Sentinel does not see starts a failover'
    yield warning(
      'sentinels.quorum_one',
      together,
      what,
      `SENTINEL SET ${masterName} quorum ${majorityOf(known)} on each`,
    )
  }
  if (quorums.length > 1) {
    const what = `they are configured with different quorums: ${quorums.join(', ')}`
    yield warning('sentinels.settings_differ', together, what, `SENTINEL SET ${masterName} quorum N on each`)
  }
}

function* judgeAgreement(seen: readonly Seen[], { masterName }: CheckSettings): Iterable<Finding> {
  if (seen.length === 0) return
  const masters = [...new Set(seen.map(({ view }) => formatAddress(view.master)))]
  const epochs = [...new Set(seen.map(({ view }) => view.epoch))]
  if (masters.length > 1) {
    const what = `they disagree about the master: ${seen.map(said).join('; ')}`
    // RESET keeps the address: a Sentinel that was given a wrong one goes on naming it.
    const correct =
      `on each Sentinel that is wrong SENTINEL REMOVE ${masterName}, then SENTINEL MONITOR ${masterName} with the ` +
      'right address, and its settings again'
    const remedy = areStrangers(seen)
      ? 'those that name different masters do not list one another: where they watch two deployments, give ' +
        `--sentinels those of one. Otherwise, ${correct}`
      : `a failover may be under way: check again. If it stays so, ${correct}`
    yield problem('sentinels.disagree', together, what, remedy)
  } else if (epochs.length > 1) {
    const what = `they agree on ${masters[0]} and not on its epoch: ${seen.map(said).join('; ')}`
    yield warning('sentinels.epochs_differ', together, what, 'check again; a Sentinel that was away may be behind')
  } else {
    yield ok(together, `${seen.length} of ${seen.length} that answer name ${masters[0]}, epoch ${epochs[0]}`)
  }
  const downAfter = [...new Set(seen.map(({ view }) => view.downAfterMs))]
  if (downAfter.length > 1) {
    const what = `they are configured with different down-after-milliseconds: ${downAfter.join(', ')}`
    const remedy = `SENTINEL SET ${masterName} down-after-milliseconds N on each`
    yield warning('sentinels.settings_differ', together, what, remedy)
  }
}

/** No Sentinel lists one that names another master: in a failover they would. */
function areStrangers(seen: readonly Seen[]): boolean {
  return seen.every(({ sentinel: { peers }, view: { master } }) =>
    seen.every(({ sentinel: other, view }) => {
      if (sameAddress(master, view.master)) return true
      return !peers.some(({ runId, address }) => runId === other.runId || sameAddress(address, other.address))
    }),
  )
}

function said({ sentinel, view }: Seen): string {
  return `${formatAddress(sentinel.address)} says ${formatAddress(view.master)} (epoch ${view.epoch})`
}

/** No Sentinel lists replicas, and one does not because our user may not ask. */
export function areReplicasUnseen(sentinels: readonly SentinelEvidence[]): boolean {
  if (sentinels.some(({ replicas }) => replicas.length > 0)) return false
  return sentinels.some(({ denied }) => denied.includes('sentinel|replicas'))
}

/** The master that a majority of the Sentinels in reach names; null without one. */
export function chosenMaster(evidence: Evidence): Address | null {
  const votes: Vote[] = evidence.sentinels.flatMap(({ address, view }) => {
    return view ? [{ voter: formatAddress(address), address: view.master, epoch: view.epoch }] : []
  })
  return candidateOf(votes, majorityOf(votes.length))?.address ?? null
}
