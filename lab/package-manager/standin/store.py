"""What the product knows: repositories, packages, snapshots and rules, read from the database and the data directory."""

import fnmatch
import hashlib
import json
import os
import threading
import urllib.request

from . import database

PYTHON, R = "Python", "R"


class StoreProblem(Exception):
    """Stored content that contradicts itself; the request is answered 500 with this text."""


class Store:
    """Answers about content; one connection to each database, shared by all threads under a lock."""

    def __init__(self, config, main, usage):
        self.config, self.main, self.usage = config, main, usage
        self.lock = threading.Lock()
        self.packages_dir, self.persistent_dir = config.storage("packages"), config.storage("persistent")

    def rows(self, sql, *values):
        """All rows of a query on the main database, as dictionaries."""
        with self.lock:
            cursor = self.main.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def repos(self):
        """All repositories by id."""
        return self.rows("SELECT * FROM repos ORDER BY id")

    def repo(self, key):
        """One repository by name or id, or None."""
        found = self.rows("SELECT * FROM repos WHERE name = ? OR id = ?", key, key)
        return found[0] if found else None

    def snapshots(self, repo):
        """Frozen states of a repository, oldest first."""
        return self.rows("SELECT * FROM snapshots WHERE repo_id = ? ORDER BY id", repo["id"])

    def snapshot(self, repo, key):
        """The snapshot an address names: latest, a date, an id or a hash; None when there is none."""
        every = self.snapshots(repo)
        if key == "latest":
            return every[-1] if every else None
        return next((s for s in every if key in (s["date"], s["hash"], str(s["id"]))), None)

    def content(self, repo, snapshot):
        """Packages of a snapshot after the repository's rules; the manifest must be the one the hash was made of."""
        path = os.path.join(self.persistent_dir, snapshot["manifest"])
        try:
            with open(path, "rb") as file:
                raw = file.read()
        except OSError as problem:
            raise StoreProblem(f"snapshot {snapshot['hash']}: manifest {path}: {problem.strerror}") from problem
        if hashlib.sha256(raw).hexdigest()[:16] != snapshot["hash"]:
            raise StoreProblem(f"snapshot {snapshot['hash']}: manifest {path} is not the one that was frozen")
        wanted = json.loads(raw)["packages"]
        by_digest = {row["sha256"]: row for row in self.rows("SELECT * FROM packages")}
        missing = [entry for entry in wanted if entry[2] not in by_digest]
        if missing:
            raise StoreProblem(f"snapshot {snapshot['hash']}: {len(missing)} packages are not in the database")
        rules = self.rows("SELECT * FROM rules WHERE repo_id = ?", repo["id"])
        return [by_digest[entry[2]] for entry in wanted if allowed(rules, entry[0], entry[1])]

    def file(self, package):
        """Path of a package's file with its checksum verified; a file of the upstream is fetched when it is not cached."""
        if package["path"]:
            path = os.path.join(self.packages_dir, package["path"])
        else:
            path = os.path.join(self.config.storage("cache"), "upstream", package["sha256"])
            if not os.path.exists(path):
                self.fetch(package, path)
        if digest(path) != package["sha256"]:
            raise StoreProblem(f"package {package['filename']}: {path} does not have the checksum in the database")
        return path

    def fetch(self, package, path):
        """Brings one file from the upstream into the cache."""
        url = self.config.get("Manifest", "URL").rstrip("/") + "/artifacts/" + package["upstream"]
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                data = answer.read()
        except (OSError, ValueError) as problem:
            raise StoreProblem(f"package {package['filename']}: upstream {url}: {problem}") from problem
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path + f".{threading.get_ident()}", "wb") as file:
            file.write(data)
        os.replace(path + f".{threading.get_ident()}", path)

    def counters(self):
        """Totals of the usage history."""
        with self.lock:
            total, days = self.usage.execute(
                "SELECT coalesce(sum(count), 0), count(DISTINCT day) FROM downloads").fetchone()
        return {"downloads_total": total, "downloads_days": days}

    def count(self, repo, package, day):
        """Adds one download to the usage history."""
        path = os.path.join(self.config.sqlite_dir, database.USAGE)
        with self.lock:
            self.usage.execute("BEGIN IMMEDIATE")
            self.usage.execute("INSERT INTO downloads VALUES (?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
                               (day, repo["name"], package["name"], package["version"]))
            database.commit(self.usage, path)


def allowed(rules, name, version):
    """Whether the rules let a package through: any block or vulnerability rule stops it, allow rules are a whitelist."""
    def hits(rule):
        pattern, _, versions = rule["pattern"].partition("@")
        return fnmatch.fnmatchcase(name, pattern) and fnmatch.fnmatchcase(version, versions or "*")

    if any(hits(rule) for rule in rules if rule["kind"] in ("block", "vulnerability")):
        return False
    allows = [rule for rule in rules if rule["kind"] == "allow"]
    return not allows or any(hits(rule) for rule in allows)


def digest(path):
    """SHA-256 of a file, hex."""
    total = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    except OSError as problem:
        raise StoreProblem(f"{path}: {problem.strerror}") from problem
    return total.hexdigest()
