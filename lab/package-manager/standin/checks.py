"""What must be true before the product starts, and what check-config looks at. Each check answers with sentences."""

import os
import stat
import subprocess

from . import database, keys, licence, places

EXACT_MODES = {"packages": 0o700, "persistent": 0o700, "metrics": 0o700}


def runtimes(config):
    """(problems, log lines) of the configured R and Python."""
    problems, lines = [], []
    for section_key, name, program in (("RVersion", "R", "bin/R"), ("PythonVersion", "Python", "bin/python3")):
        for path in config.get("Server", section_key, []):
            binary = os.path.join(path, program) if os.path.isdir(path) else path
            if not os.access(binary, os.X_OK) or os.path.isdir(binary):
                problems.append(f"Server.{section_key} = {path}: no {name} there ({binary} cannot be executed)")
                continue
            run = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)
            lines.append(f"Detected {name} version {(run.stdout or run.stderr).split()[-1]} at {path}")
    return problems, lines


def settings(config):
    """Problems of the configuration that need no data: names, listener, provider."""
    problems = list(config.problems)
    try:
        config.listen
    except ValueError:
        problems.append(f"HTTP.Listen = {config.get('HTTP', 'Listen')}: not an address and port")
    provider = config.get("Database", "Provider", "sqlite").lower()
    if provider not in ("sqlite", "postgres"):
        problems.append(f"Database.Provider = {provider}: sqlite or postgres are known")
    if provider == "postgres":
        problems.append("Database.Provider = postgres: the lab's stand-in has SQLite only")
    if not os.path.isdir(config.data_dir):
        problems.append(f"Server.DataDir = {config.data_dir}: no such directory")
    return problems + runtimes(config)[0]


def licensed(config):
    """Problems of licence and activation."""
    problems = []
    for check in (licence.check, licence.check_activation):
        try:
            check(config)
        except licence.LicenceProblem as problem:
            problems.append(str(problem))
    return problems


def encrypted_settings(config, key):
    """Problems of encrypted values in the configuration."""
    problems = []
    for section, name in (("Postgres", "Password"), ("Proxy", "Password"), ("Manifest", "Password")):
        value = config.get(section, name)
        if value:
            try:
                keys.decrypt(key, value)
            except keys.KeyProblem as problem:
                problems.append(f"{section}.{name}: {problem}")
    return problems


def ownership(config, uid, gid):
    """Problems of owners and modes in the data directory; caches, licences and dot entries are nobody's business."""
    problems = []
    root = os.stat(config.data_dir)
    if stat.S_IMODE(root.st_mode) != 0o701:
        problems.append(f"{config.data_dir} has mode {stat.S_IMODE(root.st_mode):04o}, 0701 is needed")
    for name, mode in EXACT_MODES.items():
        path = config.storage(name)
        found = stat.S_IMODE(os.stat(path).st_mode) if os.path.isdir(path) else None
        if found != mode:
            problems.append(f"{path} " + (f"has mode {found:04o}, {mode:04o} is needed" if found is not None else "is missing"))
    if (root.st_uid, root.st_gid) != (uid, gid):
        problems.append(f"{config.data_dir} belongs to {root.st_uid}:{root.st_gid}, the service is {uid}:{gid}")
    moved = {config.sqlite_dir, *(config.storage(n) for n in ("packages", "persistent", "metrics"))}
    roots = {config.data_dir, *(path for path in moved if not path.startswith(config.data_dir + "/"))}
    wrong = [line for top in sorted(roots) for line in walk(top, uid, gid, top == config.data_dir)]
    return problems + wrong[:5] + ([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])


def walk(top, uid, gid, is_data_dir):
    """Entries below `top` that belong to somebody else, that others may read or that cannot be listed."""
    try:
        entries = list(os.scandir(top))
    except OSError as problem:
        yield f"{top} cannot be read: {problem.strerror}"
        return
    for entry in entries:
        if is_data_dir and (entry.name.startswith((".", "lost+found")) or entry.name == "cache"
                            or entry.name.endswith(".lic")):
            continue
        info = entry.stat(follow_symlinks=False)
        if (info.st_uid, info.st_gid) != (uid, gid):
            yield f"{entry.path!r} belongs to {info.st_uid}:{info.st_gid}, the service is {uid}:{gid}"
        elif not stat.S_ISLNK(info.st_mode) and info.st_mode & 0o007:
            yield f"{entry.path!r} has mode {stat.S_IMODE(info.st_mode):04o}; others may not reach it"
        if stat.S_ISDIR(info.st_mode):
            yield from walk(entry.path, uid, gid, False)


def fits(connection, key):
    """Problems between the key and what the database holds encrypted."""
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    wanted = meta.get("key_fingerprint")
    if wanted and keys.fingerprint(key) != wanted:
        return [f"encryption key {keys.fingerprint(key)[:12]} is not the one this database was used with "
                f"({wanted[:12]})"]
    for name, ciphertext in connection.execute("SELECT name, ciphertext FROM secrets"):
        try:
            keys.decrypt(key, ciphertext)
        except keys.KeyProblem as problem:
            return [f"secret {name}: {problem}"]
    return []


def sizes(config, connection):
    """Problems of stored files against the database: missing, or of another size."""
    wrong = []
    root = config.storage("packages")
    kept = connection.execute("SELECT path, size FROM packages WHERE path IS NOT NULL").fetchall()
    attached = connection.execute("SELECT path, size FROM attachments").fetchall()
    for path, size in kept + attached:
        full = os.path.join(os.fsencode(root), os.fsencode(path))
        try:
            found = os.lstat(full).st_size
        except OSError as problem:
            wrong.append(f"stored file {os.fsdecode(full)!r}: {problem.strerror}")
            continue
        if found != size:
            wrong.append(f"stored file {os.fsdecode(full)!r} has {found} bytes, the database says {size}")
    return wrong[:5] + ([f"and {len(wrong) - 5} more stored files"] if len(wrong) > 5 else [])


def check_config(config):
    """(name, problems) pairs of everything that can be seen without starting or creating anything."""
    results = [("configuration", settings(config))]
    schema = places.schema_of(places.version())
    names = [database.MAIN] + ([database.USAGE] if config.usage_enabled else [])
    problems = []
    for name in names:
        try:
            found = database.probe(os.path.join(config.sqlite_dir, name))
            if found > schema:
                problems.append(f"database {name} has schema {found}; this release knows up to {schema}")
        except (OSError, database.DatabaseProblem) as problem:
            problems.append(f"database {name}: {problem}")
    results.append(("database", problems))
    results.append(("licence", licensed(config)))
    try:
        loaded = keys.load(config)
        results.append(("encrypted values", encrypted_settings(config, loaded[0]) if loaded else []))
    except keys.KeyProblem as problem:
        results.append(("encrypted values", [str(problem)]))
    return results
