"""Product data for a lab host, the same for the same parameters: databases, key, packages, snapshots, odd files.

Run as root at the host's first boot; whoever asks twice gets the data once. Nothing here depends on the clock.
"""

import hashlib
import json
import os
import random
import sys
import uuid

from . import artifacts, attachments, config as configuration, database, keys, licence, places, render

DATES = ["2025-07-01", "2025-10-01", "2026-01-05", "2026-04-01"]
SOURCE_KINDS = [  # name, type, language
    ("cran", "cran", "R"), ("pypi", "pypi", "Python"), ("curated-cran", "curated-cran", "R"),
    ("subset-cran", "cran-subset", "R"), ("locked-cran", "cran-snapshot", "R"), ("git-builds", "git", "R"),
    ("internal-src", "local", "R"), ("internal-python", "local-python", "Python")]
REPOS = [  # name, language, kind, description, sources
    ("cran", "R", "cran", "CRAN", ["cran"]), ("pypi", "Python", "pypi", "PyPI", ["pypi"]),
    ("curated", "R", "curated", "Approved by the validation team", ["curated-cran"]),
    ("subset", "R", "subset", "What training needs, with “quotes” and ünïcode", ["subset-cran"]),
    ("blended", "R", "blended", "In-house before CRAN", ["internal-src", "cran"]),
    ("date-locked", "R", "date-locked", "CRAN as it was on 2025-10-01", ["locked-cran"]),
    ("git-built", "R", "git", "Built from Git", ["git-builds"]),
    ("in-house", "R", "local", "In-house R packages", ["internal-src"]),
    ("in-house-python", "Python", "local", "In-house Python packages", ["internal-python"])]
RULES = [("curated", "allow", "labcran0*", "validated set"), ("cran", "block", "labcran013", "licence not acceptable"),
         ("pypi", "vulnerability", "labpypi-003@1.0.*", "CVE-2025-00042 of the lab"),
         ("in-house", "block", "house-002@1.0.0", "withdrawn")]


class Seeder:
    """Makes the data of one host."""

    def __init__(self, config, role, packages, package_bytes, seed):
        self.config, self.role, self.count, self.bytes, self.seed = config, role, packages, package_bytes, seed
        self.random = random.Random(f"{seed}:{role}")
        self.data = config.data_dir
        self.rows, self.snapshots = [], []

    def path(self, *parts):
        """A path below the data directory, its parents made."""
        path = os.path.join(self.data, *parts)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return path

    def write(self, path, data, mode=0o600, recent=False):
        """One file with a fixed, odd time of change, unless it is recent: then that of now."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data if isinstance(data, bytes) else data.encode())
        if recent:
            return
        stamp = artifacts.EPOCH * 10**9 + int(hashlib.sha256(os.fsencode(path)).hexdigest()[:12], 16)
        os.utime(path, ns=(stamp, stamp))

    def key(self):
        """The encryption key of this host."""
        raw = artifacts.noise(f"key:{self.seed}:{self.role}", keys.LENGTH)
        self.write(self.path("rstudio-pm.key"), raw.hex() + "\n")
        return keys.whiten(raw)

    def package(self, source, kind, name, version, commit_id=None):
        """One stored package of a source."""
        size = max(64, int(self.bytes * (0.5 + self.random.random())))
        filename, data = artifacts.make(kind, name, version, size)
        digest = hashlib.sha256(data).hexdigest()
        relative = f"{source}/{digest[:2]}/{filename}"
        self.write(self.path("packages", relative), data)
        self.rows.append((source, name, version, kind, filename, len(data), digest, relative, None, commit_id))

    def remote(self, source, kind, name, version):
        """One package that only the upstream holds; its checksum is known, its bytes are fetched on demand."""
        filename, data = artifacts.make(kind, name, version, 2048)
        digest = hashlib.sha256(data).hexdigest()
        upstream = f"{kind}/{name}/{version}/2048"
        self.rows.append((source, name, version, kind, filename, len(data), digest, None, upstream, None))
        if self.random.random() < 0.7:
            self.write(self.path("cache", "upstream", digest), data, recent=True)

    def packages(self):
        """All packages: the upstream's and the stored ones."""
        shrink = 1 if self.role == "source" else 8
        for number in range(1, 41 // shrink):
            for version in ("1.0.0", "1.1.0", "2.0.0")[: 1 + number % 3]:
                self.remote("cran", "r", f"labcran{number:03d}", version)
        for number in range(1, 21 // shrink + 1):
            self.remote("pypi", "wheel", f"labpypi-{number:03d}", "1.0.0")
            self.remote("pypi", "wheel", f"labpypi-{number:03d}", "1.2.0")
        for number in range(self.count):
            name, version = f"{number // 3 + 1:03d}", f"1.{number % 3}.0"
            lane = (number // 3) % 6
            if lane < 3:
                self.package("internal-src", "r", f"house-{name}", version)
            elif lane < 5:
                commit = hashlib.sha1(f"{self.seed}:{number}".encode()).hexdigest()
                self.package("git-builds", "r", f"gitpkg{name}", version, commit)
            else:
                kind = "sdist" if number % 3 == 0 else "wheel"
                self.package("internal-python", kind, f"house-py-{name}", version)

    def of_source(self, source):
        """Rows of one source; curated, subset and locked draw from CRAN."""
        cran = [row for row in self.rows if row[0] == "cran"]
        derived = {"curated-cran": cran[::2], "subset-cran": cran[5:30],
                   "locked-cran": [row for row in cran if row[2] != "2.0.0"]}
        return derived.get(source) or [row for row in self.rows if row[0] == source]

    def freeze(self, repo_id, name, sources):
        """Snapshots of a repository: each holds more than the one before; the manifest's digest is the hash."""
        every = [row for source in sources for row in self.of_source(source)]
        for step, date in enumerate(DATES, 1):
            part = every[: max(1, len(every) * step // len(DATES))]
            manifest = json.dumps({"repo": name, "date": date, "packages": [[r[1], r[2], r[6]] for r in part]},
                                  separators=(",", ":"), sort_keys=True) + "\n"
            digest = hashlib.sha256(manifest.encode()).hexdigest()[:16]
            relative = f"snapshots/{name}/{digest}.json"
            self.write(self.path("persistent", relative), manifest)
            self.snapshots.append((repo_id, date, digest, relative))

    def main_database(self, key, schema, release):
        """The main database: the first part is checkpointed, the rest stays in the write-ahead log."""
        path = self.path("db", database.MAIN)
        identity = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.seed}:{self.role}:main"))
        db = database.create(path, database.MAIN, identity, schema, release)
        db.execute("BEGIN")
        source_ids = {row[0]: number for number, row in enumerate(SOURCE_KINDS, 1)}
        db.executemany("INSERT INTO sources VALUES (?, ?, ?, ?, '{}')",
                       [(source_ids[n], n, t, lang) for n, t, lang in SOURCE_KINDS])
        db.executemany("INSERT INTO packages (source_id, name, version, kind, filename, size, sha256, path, upstream,"
                       " commit_id, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '2025-06-15T12:00:00Z')",
                       [(source_ids[row[0]], *row[1:]) for row in self.rows])
        db.executemany("INSERT INTO attachments VALUES (?, ?, ?)", self.attached)
        database.commit(db, path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("BEGIN")
        for number, (name, language, kind, description, sources) in enumerate(self.repos(), 1):
            db.execute("INSERT INTO repos VALUES (?, ?, ?, ?, ?, '2025-06-15T12:00:00Z')",
                       (number, name, language, kind, description))
            for position, source in enumerate(sources):
                db.execute("INSERT INTO subscriptions VALUES (?, ?, ?)", (number, source_ids[source], position))
            self.freeze(number, name, sources)
            db.executemany("INSERT INTO rules (repo_id, kind, pattern, reason) VALUES (?, ?, ?, ?)",
                           [(number, k, p, why) for repo, k, p, why in RULES if repo == name])
        database.commit(db, path)
        db.execute("BEGIN")
        db.executemany("INSERT INTO snapshots (repo_id, date, hash, manifest) VALUES (?, ?, ?, ?)", self.snapshots)
        nonce = artifacts.noise(f"nonce:{self.seed}:{self.role}", 24)
        db.execute("INSERT INTO secrets VALUES ('git-credential', ?)", (keys.encrypt(key, "p4ss of the lab", nonce),))
        db.execute("INSERT INTO meta VALUES ('key_fingerprint', ?)", (keys.fingerprint(key),))
        database.commit(db, path)

    def repos(self):
        """Repositories of this role: the target has what an acceptance test leaves behind."""
        return REPOS if self.role == "source" else [REPOS[0], REPOS[1], ("acceptance-test", "R", "local",
                                                    "Left by the acceptance tests", ["internal-src"])]

    def usage_database(self, schema, release):
        """Usage history of ninety days."""
        path = self.path("db", database.USAGE)
        identity = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.seed}:{self.role}:usage"))
        db = database.create(path, database.USAGE, identity, schema, release)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("BEGIN")
        for day in range(90 if self.role == "source" else 4):
            for row in self.random.sample(self.rows, min(5, len(self.rows))):
                db.execute("INSERT OR REPLACE INTO downloads VALUES (?, 'cran', ?, ?, ?)",
                           (f"2026-{day // 28 + 1:02d}-{day % 28 + 1:02d}", row[1], row[2], self.random.randint(1, 900)))
        database.commit(db, path)

    def cache(self):
        """What eviction finds: recent files, old ones, and ones that nothing refers to."""
        for number in range(30):
            index = self.path("cache", "index", f"{number:02d}.idx")
            self.write(index, artifacts.noise(f"cache:{number}", 20000), recent=number % 2 == 0)
            stray = artifacts.noise(f"stray:{number}", 5000)
            self.write(self.path("cache", "packages", f"stray-{number:02d}.tar.gz"), stray, recent=True)
            self.write(self.path("cache", "upstream", hashlib.sha256(stray).hexdigest()), stray, recent=True)

    def host_bound(self):
        """Licence and activation of this host, and its launcher's directory."""
        self.write(self.path("rstudio-pm-lab.lic"), licence.make(f"lab {self.role}"), 0o640)
        self.write(self.path("verify"), licence.activation())
        os.makedirs(self.config.launcher_dir, mode=0o700, exist_ok=True)
        self.write(os.path.join(self.config.launcher_dir, "state.json"), json.dumps({"host": places.hostname()}) + "\n")

    def run(self):
        """Everything, then owners; the process must end without closing the databases."""
        os.makedirs(self.data, exist_ok=True)
        for name in configuration.CLASSES + ["db"]:
            os.makedirs(os.path.join(self.data, name), mode=0o700, exist_ok=True)
        key = self.key()
        self.packages()
        self.attached = attachments.make(self)
        schema, release = places.schema_of(places.version()), places.version()
        self.main_database(key, schema, release)
        self.usage_database(schema, release)
        self.host_bound()
        self.cache()
        if self.role == "source":
            render.with_password(self.config.path, keys.encrypt(key, "upstream of the lab", artifacts.noise(
                f"manifest:{self.seed}", 24)))
        uid, gid = places.service_account()
        own(self.data, uid, gid)
        attachments.after_owner(self)
        os.chmod(self.data, 0o701)


def own(top, uid, gid):
    """Gives a tree to the service account, links themselves included, the licence excepted (root installs it)."""
    os.lchown(top, uid, gid)
    for folder, names, files in os.walk(os.fsencode(top)):
        for name in names + files:
            path = os.path.join(folder, name)
            if name.endswith(b".lic") and folder == os.fsencode(top):
                os.chown(path, 0, gid)
                continue
            mode = os.lstat(path).st_mode
            os.lchown(path, uid, gid)
            if not os.path.islink(path):
                os.chmod(path, mode & 0o7770)


def main():
    """Seeds the host by the environment: ROLE, PACKAGES, PACKAGE_BYTES, SEED."""
    role = os.environ.get("ROLE", "source")
    count = int(os.environ.get("PACKAGES") or 120)
    if role != "source":
        count = max(6, count // 10)
    config = configuration.Config()
    if config.problems:
        raise SystemExit("; ".join(config.problems))
    if os.path.exists(os.path.join(config.sqlite_dir, database.MAIN)):
        print(f"{config.data_dir} is seeded already")
        return
    os.umask(0o077)
    size = int(os.environ.get("PACKAGE_BYTES") or 16384)
    Seeder(config, role, count, size, os.environ.get("SEED") or "rehost-lab").run()
    print(f"seeded {config.data_dir} as {role}: {count} stored packages of about {size} bytes")
    sys.stdout.flush()
    os._exit(0)  # a clean exit would checkpoint the write-ahead logs away


if __name__ == "__main__":
    main()
