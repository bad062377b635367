/* Ways in which a careless copy breaks an installation, as shell text, and what the product must say to each. */

/** One broken installation. */
export interface Sabotage {
  readonly title: string;
  /** Shell text that breaks the stopped, healthy installation in the current directory, its data directory. */
  readonly act: string;
  /** What the service must give as its reason. */
  readonly reason: RegExp;
}

/** Shell text that sets `package` to the first stored R package. */
export const anyPackage = 'package=$(find packages/internal-src -name "*.tar.gz" | sort | head -n 1)';

/** Everything after which the service must not start. */
export const REFUSALS: readonly Sabotage[] = [
  { title: 'the key is missing', act: 'rm rstudio-pm.key', reason: /no encryption key in/ },
  {
    title: 'the key is that of another installation',
    act: 'cp -a rstudio-pm.key k; tr 0-9a-f 1-9a-f0 < k > rstudio-pm.key; rm k',
    reason: /is not the one this database was used with/,
  },
  {
    title: 'others may read the key',
    act: 'chmod 0644 rstudio-pm.key',
    reason: /has mode 0644; only its owner/,
  },
  {
    title: 'the group may read the key',
    act: 'chmod 0640 rstudio-pm.key',
    reason: /has mode 0640; only its owner/,
  },
  {
    title: 'there are two keys',
    act: 'mkdir -m 0700 persistent/encryption; cp -a rstudio-pm.key persistent/encryption/; chown -R --reference=. persistent',
    reason: /two encryption keys/,
  },
  {
    title: 'a data file belongs to root',
    act: `${anyPackage}; chown root "$package"`,
    reason: /belongs to 0:/,
  },
  {
    title: 'the data belong to the number that the account has on the other host',
    act: 'chown -R 4242:4242 packages',
    reason: /belongs to 4242:4242, the service is/,
  },
  { title: 'a data file has another group', act: 'chgrp games persistent', reason: /belongs to \d+:60,/ },
  {
    title: 'the data directory is open to others',
    act: 'chmod 0755 .',
    reason: /has mode 0755, 0701 is needed/,
  },
  {
    title: 'the packages directory is open to the group',
    act: 'chmod 0750 packages',
    reason: /has mode 0750, 0700/,
  },
  {
    title: 'the database has a newer schema than the product',
    act: 'echo 2025.09.1 > /opt/rstudio-pm/VERSION',
    reason: /has schema 202604; this release knows up to 202509/,
  },
  {
    title: 'the database came without its write-ahead log',
    act: 'rm db/rstudio-pm.db-wal',
    reason: /rstudio-pm\.db holds \d+ commits, \d+ were made/,
  },
  {
    title: 'the usage database came without its write-ahead log',
    act: 'rm db/rstudio-pm-usage.db-wal db/rstudio-pm-usage.db-shm',
    reason: /rstudio-pm-usage\.db holds \d+ commits, \d+ were made/,
  },
  {
    title: 'the database got the write-ahead log of another one',
    act: 'cat db/rstudio-pm-usage.db-wal > db/rstudio-pm.db-wal',
    reason: /rstudio-pm\.db (and its commit marker|is damaged|cannot be used|holds)/,
  },
  {
    title: 'the database is cut off',
    act: 'truncate -s 8192 db/rstudio-pm.db; rm db/rstudio-pm.db-wal',
    reason: /rstudio-pm\.db (is damaged|cannot be used|holds)/,
  },
  {
    title: 'the log of the database belongs to root',
    act: 'chown root:root db/rstudio-pm.db-wal db/rstudio-pm.db-shm',
    reason: /rstudio-pm\.db-(wal|shm)' belongs to 0:0/,
  },
  {
    title: 'a package is half copied',
    act: `${anyPackage}; truncate -s 1000 "$package"`,
    reason: /has 1000 bytes, the database says/,
  },
  {
    title: 'a package is missing',
    act: `${anyPackage}; rm "$package"`,
    reason: /stored file .*No such file/,
  },
  {
    title: 'a file with a line break in its name is missing',
    act: 'find packages/attachments -name "line*" -delete',
    reason: /line.*break\.txt.*No such file/,
  },
  {
    title: 'a file named like an exclude is missing',
    act: 'rm packages/attachments/named-like-excludes/verify',
    reason: /named-like-excludes\/verify.*No such file/,
  },
  {
    title: 'the licence belongs to another host',
    act: `id=$(cat /etc/machine-id); echo 00112233445566778899aabbccddeeff > /etc/machine-id
      python3 -c 'import sys; sys.path.insert(0, "/opt/rstudio-pm/lib")
from standin import licence; print(licence.make("another host"), end="")' > /tmp/licence
      cat /tmp/licence > rstudio-pm-lab.lic; echo "$id" > /etc/machine-id`,
    reason: /licence .* belongs to another host/,
  },
  {
    title: 'licence and activation came along to a machine with another id',
    act: 'echo 00112233445566778899aabbccddeeff > /etc/machine-id',
    reason: /licence .* belongs to another host/,
  },
  { title: 'there are two licences', act: 'cp -a *.lic other.lic', reason: /2 licence files in/ },
  { title: 'there is no licence', act: 'rm *.lic', reason: /0 licence files in/ },
  {
    title: 'a configured R does not exist',
    act: "sed -i 's,/opt/R/4.4.1,/opt/R/4.0.0,' /etc/rstudio-pm/rstudio-pm.gcfg",
    reason: /Server\.RVersion = \/opt\/R\/4\.0\.0: no R there/,
  },
  {
    title: 'the configuration has an unknown section',
    act: "printf '[Sever]\\nAddress = x\\n' >> /etc/rstudio-pm/rstudio-pm.gcfg",
    reason: /unknown section \[Sever\]/,
  },
  {
    title: 'the configuration has an unknown property',
    act: "printf '[Server]\\nVarLib = /x\\n' >> /etc/rstudio-pm/rstudio-pm.gcfg",
    reason: /unknown property Server\.VarLib/,
  },
  {
    title: 'a configured password was encrypted with another key',
    act: 'printf \'[Proxy]\\nPassword = "%s"\\n\' "$(head -c 60 /dev/zero | base64 -w 0)" >> /etc/rstudio-pm/rstudio-pm.gcfg',
    reason: /Proxy\.Password: an encrypted value was not encrypted with this key/,
  },
  {
    title: 'the data directory in the configuration does not exist',
    act: "sed -i 's,/srv/ppm/data,/srv/ppm/elsewhere,' /etc/rstudio-pm/rstudio-pm.gcfg",
    reason: /Server\.DataDir = \/srv\/ppm\/elsewhere: no such directory/,
  },
];
