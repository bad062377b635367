/*
 * A target whose configuration names an R that is not there: the product refuses to start with it, so it is stopped.
 */
import { GCFG_PATH } from '../../src/contracts/package-manager.js';
import type { World } from './world.js';

const TARGET = 'ppm-target';
/** The line of the target's configuration that names what the target lacks. */
export const LACKED_LINE = 'RVersion = /opt/R/4.3.3 ; of the former server\n';

const run = async (world: World, script: string): Promise<string> => {
  const { status, stdout, stderr } = await world.exec(TARGET, ['sh', '-euc', script]);
  if (status !== 0) throw new Error(`${TARGET}: ${stderr}`);
  return stdout;
};

/** Text of the target's configuration. */
export const targetConfig = (world: World): Promise<string> => run(world, `cat ${GCFG_PATH}`);

/** Stops the target and puts the line in front of the R versions that it has. */
export async function lackR(world: World): Promise<void> {
  await run(
    world,
    `systemctl stop rstudio-pm
    sed -i '0,/^RVersion/s,,${LACKED_LINE.trim()}\\n&,' ${GCFG_PATH}`,
  );
  if (!(await targetConfig(world)).includes(LACKED_LINE)) throw new Error(`${GCFG_PATH} lacks the line`);
}

/** Takes the line out again and starts the target. */
export async function haveR(world: World): Promise<void> {
  await run(world, `sed -i '\\,^${LACKED_LINE.trim()}$,d' ${GCFG_PATH}; systemctl start rstudio-pm`);
}
