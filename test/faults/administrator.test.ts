// The faults of the group 'administrator' (faults-administrator.ts), through all loads at once.
import t from 'tap'
import { testGroup } from './part.ts'

testGroup(t, 'administrator')
