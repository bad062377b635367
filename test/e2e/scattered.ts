/*
 * A server as sites have them: databases and packages in directories of their own, with blanks in their names, and
 * entries below the data directory that tools trip over.
 */
import type { World } from './world.js';

const DATA = '/srv/ppm/data';
const DATABASES = '/srv/other db/sqlite';
const PACKAGES = '/srv/big packages/p';

/** The trees of a scattered server; both hosts have them at the same places. */
export const SCATTERED_TREES: readonly string[] = [DATA, DATABASES, PACKAGES];

const SCATTER = `set -eu
systemctl stop rstudio-pm
mkdir -p "$(dirname '${DATABASES}')" "$(dirname '${PACKAGES}')"
mv ${DATA}/db '${DATABASES}'
mv ${DATA}/packages '${PACKAGES}'
cat >> /etc/rstudio-pm/rstudio-pm.gcfg <<'END'

[SQLite]
Dir = "${DATABASES}" ; on the fast disk
[FileStorage "packages"]
Location = "${PACKAGES}"
END`;

// Names and kinds of entries; nothing may be reachable for others, or the product refuses to start.
const ODD_ENTRIES = `set -eu
mkdir ${DATA}/persistent/odd
cd ${DATA}/persistent/odd
printf a > "$(printf 'new\\nline')"
printf b > "$(printf 'no\\377utf-8')"
printf c > ./-rf
printf d > '* ?[x]'
printf e > 'back\\slash'
printf f > "quo'te\\"s"
printf g > ' blanks around '
printf h > '$(touch x)'
: > empty
printf i > one
ln one two
ln -s /nowhere dangling
ln -s ../odd loop
truncate -s 5M sparse
printf j >> sparse
mkfifo pipe
mkdir -p cache verify group deep/$(printf 'd%.0s/' $(seq 1 40))
printf k > verify/x.lic
printf l > cache/y
chmod 2775 group
printf m > suid
chown -hR --reference=${DATA} .
chmod 4750 suid
chmod -R o-rwx .
setfacl -m u:daemon:r one
setfacl -d -m g:daemon:rx group
setfattr -n user.site -v 'a b' one
touch -d '1969-12-31 23:00:00.123456789' one`;

/** Scatters the product's data on both hosts and plants the odd entries on the source; the products run again. */
export async function scatter(world: World): Promise<void> {
  const run = async (host: string, script: string): Promise<void> => {
    const { status, stderr } = await world.exec(host, ['sh', '-c', script]);
    if (status !== 0) throw new Error(`${host}: ${stderr}`);
  };
  await Promise.all(['ppm-source', 'ppm-target'].map((host) => run(host, SCATTER)));
  await run('ppm-source', ODD_ENTRIES);
  await Promise.all(['ppm-source', 'ppm-target'].map((host) => run(host, 'systemctl start rstudio-pm')));
}
