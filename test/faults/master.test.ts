// The faults of the group 'master' (faults-master.ts), through all loads at once.
import t from 'tap'
import { testGroup } from './part.ts'

testGroup(t, 'master')
