import { copyContract } from './files-copy.js';
import { compareContract, manifestContract } from './files-manifest.js';
import { authorizeContract, pullKeyContract } from './files-pull.js';
import { discardContract, spaceContract } from './files-space.js';
import { carryContract, swapContract, swapFactsContract } from './files-swap.js';

/** Contracts for moving and comparing files. */
export const filesContracts = {
  'files.pullKey@1': pullKeyContract,
  'files.authorize@1': authorizeContract,
  'files.copy@1': copyContract,
  'files.manifest@1': manifestContract,
  'files.compare@1': compareContract,
  'files.swapFacts@1': swapFactsContract,
  'files.swap@1': swapContract,
  'files.carry@1': carryContract,
  'files.space@1': spaceContract,
  'files.discard@1': discardContract,
} as const;
