"""The two SQLite databases. Each has a commit marker beside it, so that one without its -wal is noticed.

Every write transaction raises `commits` inside the database and then in `<name>.mark`. After a crash the marker may lag,
never lead: a database whose own counter is behind its marker has lost its write-ahead log, or has got a foreign one.
"""

import os
import sqlite3

MAIN, USAGE = "rstudio-pm.db", "rstudio-pm-usage.db"
SCHEMA = {
    MAIN: """
CREATE TABLE schema_version (version INTEGER NOT NULL, product TEXT NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT UNIQUE, type TEXT, language TEXT, settings TEXT);
CREATE TABLE repos (id INTEGER PRIMARY KEY, name TEXT UNIQUE, type TEXT, kind TEXT, description TEXT, created TEXT);
CREATE TABLE subscriptions (repo_id INTEGER, source_id INTEGER, position INTEGER, PRIMARY KEY (repo_id, source_id));
CREATE TABLE packages (id INTEGER PRIMARY KEY, source_id INTEGER, name TEXT, version TEXT, kind TEXT, filename TEXT,
  size INTEGER, sha256 TEXT, path TEXT, upstream TEXT, commit_id TEXT, added TEXT);
CREATE INDEX packages_by_name ON packages (name);
CREATE TABLE snapshots (id INTEGER PRIMARY KEY, repo_id INTEGER, date TEXT, hash TEXT, manifest TEXT);
CREATE TABLE rules (id INTEGER PRIMARY KEY, repo_id INTEGER, kind TEXT, pattern TEXT, reason TEXT);
CREATE TABLE secrets (name TEXT PRIMARY KEY, ciphertext TEXT NOT NULL);
CREATE TABLE attachments (path BLOB PRIMARY KEY, size INTEGER NOT NULL, sha256 TEXT NOT NULL);
""",
    USAGE: """
CREATE TABLE schema_version (version INTEGER NOT NULL, product TEXT NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE downloads (day TEXT, repo TEXT, package TEXT, version TEXT, count INTEGER,
  PRIMARY KEY (day, repo, package, version));
""",
}


# Connections are never closed: the last close would checkpoint the log and delete it, and even a refused start must
# leave the databases as it found them.
KEPT = []


class DatabaseProblem(Exception):
    """A database that may not be used; the text says which and why."""


def create(path, name, identity, schema, release):
    """A new database in write-ahead mode; the first commit is made and marked."""
    connection = connect(path)
    connection.executescript(SCHEMA[name])
    connection.execute("INSERT INTO schema_version VALUES (?, ?)", (schema, release))
    connection.execute("INSERT INTO meta VALUES ('identity', ?), ('commits', '0')", (identity,))
    commit(connection, path)
    return connection


def connect(path):
    """A connection that never checkpoints by itself; threads share it under the caller's lock."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    KEPT.append(connection)
    return connection


def commit(connection, path):
    """Ends a write transaction (or marks what is already written) and moves the marker."""
    if not connection.in_transaction:
        connection.execute("BEGIN")
    connection.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'commits'")
    connection.execute("COMMIT")
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    temporary = path + ".mark-new"
    with open(temporary, "w", encoding="ascii") as file:
        file.write(f"{meta['identity']} {meta['commits']}\n")
        file.flush()
        os.fsync(file.fileno())
    os.chmod(temporary, 0o600)
    os.replace(temporary, path + ".mark")


def open_checked(path, schema):
    """A connection to a database that is whole, of this product or older, and has its own log."""
    if not os.path.exists(path):
        raise DatabaseProblem(f"database {path} does not exist")
    try:
        connection = connect(path)
        verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        version = connection.execute("SELECT max(version) FROM schema_version").fetchone()[0]
        meta = dict(connection.execute("SELECT name, value FROM meta"))
    except sqlite3.Error as problem:
        raise DatabaseProblem(f"database {path} cannot be used: {problem}") from problem
    if verdict != "ok":
        raise DatabaseProblem(f"database {path} is damaged: {verdict.splitlines()[0]}")
    if version > schema:
        raise DatabaseProblem(f"database {path} has schema {version}; this release knows up to {schema}")
    try:
        with open(path + ".mark", encoding="ascii") as file:
            identity, commits = file.read().split()
    except (OSError, ValueError) as problem:
        raise DatabaseProblem(f"database {path} has no readable commit marker {path}.mark") from problem
    if identity != meta.get("identity"):
        raise DatabaseProblem(f"database {path} and its commit marker belong to different installations")
    if int(meta["commits"]) < int(commits):
        raise DatabaseProblem(f"database {path} holds {meta['commits']} commits, {commits} were made: its write-ahead "
                              f"log {path}-wal is missing or belongs to another database")
    return connection


def upgrade(connection, path, schema, release):
    """Brings an older database to this release's schema; true when it had to."""
    version = connection.execute("SELECT max(version) FROM schema_version").fetchone()[0]
    if version >= schema:
        return False
    connection.execute("BEGIN")
    connection.execute("INSERT INTO schema_version VALUES (?, ?)", (schema, release))
    commit(connection, path)
    return True


def probe(path):
    """The schema version read from the file alone; nothing is opened by SQLite, nothing is created."""
    with open(path, "rb") as file:
        raw = bytearray(file.read())
    if raw[:16] != b"SQLite format 3\x00":
        raise DatabaseProblem(f"database {path} is no SQLite database")
    raw[18] = raw[19] = 1  # read as if not in write-ahead mode: an image in memory has no log
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(bytes(raw))
        return connection.execute("SELECT max(version) FROM schema_version").fetchone()[0]
    except sqlite3.Error as problem:
        raise DatabaseProblem(f"database {path} cannot be used: {problem}") from problem
    finally:
        connection.close()
