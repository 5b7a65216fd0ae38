// loads.ts: all loads; each trial runs all of them at the same time.
import { blocking } from './loads/blocking.ts'
import { comeAndGo } from './loads/come-and-go.ts'
import { large } from './loads/large.ts'
import { pipeline } from './loads/pipeline.ts'
import { pubsub } from './loads/pubsub.ts'
import { single } from './loads/single.ts'
import { slowReader } from './loads/slow-reader.ts'
import { transaction } from './loads/transaction.ts'
import type { Load } from './types.ts'

export const loads: readonly Load[] = [single, pipeline, transaction, large, blocking, pubsub, slowReader, comeAndGo]
