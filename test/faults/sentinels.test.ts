// The faults of the group 'sentinels' (faults-sentinels.ts), through all loads at once.
import t from 'tap'
import { testGroup } from './part.ts'

testGroup(t, 'sentinels')
