// drilled.ts: what clients must have seen of a switchover or a drill, whatever became of it: nothing.
import type { Test } from 'tap'
import { RespClient } from './resp-client.ts'
import type { SentinelSet } from './sentinel-set.ts'
import type { Stage } from './switchover.ts'
import { deadline } from './wait-until.ts'
import { readBack, type Workload } from './workload.ts'

/** Stops the loads and judges them: no error, no lost connection, no lost, doubled or reordered write. */
export async function judgeClients(t: Test, loads: readonly Workload[], set: SentinelSet): Promise<void> {
  for (const load of loads) await load.stop()
  const master = await set.currentMaster()
  for (const { ledger } of loads) {
    const report = ledger.report(await readBack(ledger, master))
    t.strictSame(report.connectionErrors, [], 'connection errors')
    t.strictSame(report.errors, {}, 'error replies')
    t.equal(report.ok, report.operations, 'every command has its reply')
    t.strictSame(report.lostWrites, [], 'no acknowledged write is lost')
    t.strictSame(report.doubled, [], 'none runs twice')
    t.strictSame(report.reordered, [], 'none overtakes another')
  }
}

/** A command of a new client is answered within the time. */
export async function serves(t: Test, { holdfast }: Pick<Stage, 'holdfast'>, withinMs: number): Promise<void> {
  const client = await RespClient.connect(holdfast.port)
  try {
    // A closed client rejects what it waits for.
    const end = deadline(withinMs, () => void client.close())
    t.equal(await client.send('SET', 'probe', 'x'), 'OK', 'it serves')
    end()
  } finally {
    await client.close()
  }
}
