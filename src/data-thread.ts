// Owns what a data thread runs: reads the configuration as the control thread did, serves from its descriptors, does as it is told.

import { parentPort, workerData } from 'node:worker_threads'
import { loadAllPlugins } from './plugins.ts'
import { runDataThread } from './process/data-thread.ts'

if (parentPort === null) throw new Error('a data thread is started by the control thread')
await runDataThread(parentPort, workerData, (await loadAllPlugins()).plugins)
