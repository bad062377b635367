import type { filesContracts } from '../contracts/files.js';
import type { Handlers } from './action.js';
import { copy } from './files-copy.js';
import { compare, manifest } from './files-manifest.js';
import { authorize, pullKey } from './files-pull.js';
import { discard, space } from './files-space.js';
import { carry, swap, swapFacts } from './files-swap.js';

/** Handlers for moving and comparing files. */
export const filesHandlers = {
  'files.pullKey@1': pullKey,
  'files.authorize@1': authorize,
  'files.copy@1': copy,
  'files.manifest@1': manifest,
  'files.compare@1': compare,
  'files.swapFacts@1': swapFacts,
  'files.swap@1': swap,
  'files.carry@1': carry,
  'files.space@1': space,
  'files.discard@1': discard,
} satisfies Handlers<typeof filesContracts>;
