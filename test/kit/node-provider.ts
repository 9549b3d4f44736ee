// Owns the node provider as tests have it, where nobody has counted descriptors.

import { nodeProviderHolding } from '../../src/net/node/provider.ts'

export const nodeProvider = nodeProviderHolding(511)
