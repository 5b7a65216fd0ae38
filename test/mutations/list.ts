// list.ts: every known bug, in the order of the planes. A bug that was fixed once belongs here, with the test that
// would have shown it.
import { ackMutations } from './ack-list.ts'
import { clientMutations } from './clients-list.ts'
import { commandMutations } from './command-list.ts'
import { controlMutations } from './control-list.ts'
import { crowdMutations } from './crowd-list.ts'
import { deployMutations } from './deploy-list.ts'
import { filesMutations } from './files-list.ts'
import { handoffMutations } from './handoff-list.ts'
import { laneMutations } from './lane-list.ts'
import { mastersMutations } from './masters-list.ts'
import { memoryMutations } from './memory-list.ts'
import { minorityMutations } from './minority-list.ts'
import type { Mutation } from './mutation.ts'
import { pageMutations } from './page-list.ts'
import { pauseMutations } from './pause-list.ts'
import { proofMutations } from './proof-list.ts'
import { readingMutations } from './reading-list.ts'
import { relayMutations } from './relay-list.ts'
import { replicasMutations } from './replicas-list.ts'
import { robustMutations } from './robust-list.ts'
import { sentinelPortMutations } from './sentinel-port-list.ts'
import { sessionMutations } from './session-list.ts'
import { silenceMutations } from './silence-list.ts'
import { suiteMutations } from './suite-list.ts'
import { switchoverMutations } from './switchover-list.ts'

export const mutations: readonly Mutation[] = [
  ...ackMutations,
  ...clientMutations,
  ...commandMutations,
  ...controlMutations,
  ...crowdMutations,
  ...deployMutations,
  ...filesMutations,
  ...handoffMutations,
  ...laneMutations,
  ...mastersMutations,
  ...memoryMutations,
  ...minorityMutations,
  ...pauseMutations,
  ...pageMutations,
  ...proofMutations,
  ...readingMutations,
  ...relayMutations,
  ...replicasMutations,
  ...robustMutations,
  ...sentinelPortMutations,
  ...sessionMutations,
  ...suiteMutations,
  ...switchoverMutations,
  ...silenceMutations,
]
