// faults.ts: the table of faults.
import { administratorFaults } from './faults-administrator.ts'
import { masterFaults } from './faults-master.ts'
import { networkFaults } from './faults-network.ts'
import { proxyFaults } from './faults-proxy.ts'
import { sentinelFaults } from './faults-sentinels.ts'
import type { Fault } from './types.ts'

export const faults: readonly Fault[] = [
  ...masterFaults,
  ...administratorFaults,
  ...sentinelFaults,
  ...networkFaults,
  ...proxyFaults,
]
