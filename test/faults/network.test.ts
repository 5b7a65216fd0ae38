// The faults of the group 'network' (faults-network.ts), through all loads at once.
import t from 'tap'
import { testGroup } from './part.ts'

testGroup(t, 'network')
