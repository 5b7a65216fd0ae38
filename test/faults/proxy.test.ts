// The faults of the group 'proxy' (faults-proxy.ts), through all loads at once.
import t from 'tap'
import { testGroup } from './part.ts'

testGroup(t, 'proxy')
