import type { packagesContracts } from '../contracts/zz-packages.js';
import type { Handlers } from './action.js';
export const packagesHandlers = {
  'packages.hold@1': {
    async act(_input, { host, signal }) {
      const held = (await host.check(['apt-mark', 'showhold'])).split('\n').includes('rstudio-pm');
      if (!held) await host.check(['apt-mark', 'hold', 'rstudio-pm'], { signal });
      return { changed: !held, values: { held: true } };
    },
  },
} satisfies Handlers<typeof packagesContracts>;
