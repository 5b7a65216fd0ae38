// print.ts: writes what was found before a switchover and what came of it, for people or for machines. Pure.
import { formatAddress } from '../address.ts'
import { countOf, rowsOf } from '../check/print.ts'
import type { Judgement } from './judge.ts'
import type { Outcome, Step } from './run.ts'

export function findingsAsTable(masterName: string, { findings, plan }: Judgement, dryRun: boolean): string {
  const problems = countOf(findings, 'problem')
  const lines = [`Holdfast switchover of master ${masterName}`, '', ...rowsOf(findings), '']
  if (plan === null) {
    const what = problems === 1 ? '1 problem' : `${problems} problems`
    return [...lines, `${what}: nothing was done.`, ''].join('\n')
  }
  const to = formatAddress(plan.target.address)
  const would =
    `Would hold commands, wait for ${plan.candidates.length} of its replicas, ask Sentinel ` +
    `${formatAddress(plan.sentinel.address)} for a failover from ${formatAddress(plan.master.address)} (probably to ${to}), ` +
    'and send commands again when a majority names the new master. Nothing was done.'
  return [...lines, ...(dryRun ? [would, ''] : [])].join('\n')
}

export function stepAsLine({ name, ms, text }: Step): string {
  return ` ${name.padEnd(9)} ${`${ms} ms`.padStart(9)}  ${text}\n`
}

/** A line between those of the steps. */
export function waitAsLine(text: string): string {
  return ` ${' '.repeat(9)} ${' '.repeat(9)}  ${text}\n`
}

export function outcomeAsText(outcome: Outcome): string {
  const { waits, heldMs } = outcome
  const held = heldMs === null ? '' : ` Commands were held for ${heldMs} ms.`
  if (outcome.kind === 'aborted') {
    return `\nAborted: ${outcome.why}. The master is ${outcome.master}.${held}\nremedy: ${outcome.remedy}\n`
  }
  if (outcome.kind === 'unfinished') {
    return `\nNot seen to its end: ${outcome.why}.${held}\nremedy: ${outcome.remedy}\n`
  }
  const told =
    waits === null
      ? ''
      : `${waits.commands} commands waited: half of them ${waits.p50} ms or less, 99 of 100 ${waits.p99} ms or less, ` +
        `the longest ${waits.max} ms. Failed: ${waits.failed}. Outcome unknown: ${waits.unknown}.\n`
  const after = outcome.follows
    ? `${outcome.from} is its replica now, and may be stopped.`
    : `${outcome.from} does not follow it yet: do not stop it before INFO replication there says so.`
  return `\nThe master is ${outcome.to}.${held}\n${told}${after}\n`
}

/** `outcome` null: a dry run, or a problem forbade it. */
export function asJson(masterName: string, judgement: Judgement, outcome: Outcome | null): string {
  const { findings, plan } = judgement
  const told = {
    master: masterName,
    problems: countOf(findings, 'problem'),
    warnings: countOf(findings, 'warning'),
    findings,
    plan: plan && {
      from: formatAddress(plan.master.address),
      probablyTo: formatAddress(plan.target.address),
      sentinel: formatAddress(plan.sentinel.address),
      coordinated: plan.sentinel.coordinates,
      otherHoldfasts: plan.through.others,
    },
    outcome,
  }
  return `${JSON.stringify(told, null, 2)}\n`
}
