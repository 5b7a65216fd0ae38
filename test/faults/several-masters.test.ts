// Faults of the group 'master' at one of three masters of the same Holdfast: what is promised holds there as if it were
// alone, and clients of the others are not held. HOLDFAST_FAULTS=all tries the whole group.
import t from 'tap'
import { testGroup } from './part.ts'

const { HOLDFAST_FAULTS } = process.env
const beside = ['queue', 'session']

testGroup(t, 'master', HOLDFAST_FAULTS === 'all' ? { beside } : { beside, only: ['kill', 'freeze-long', 'planned'] })
