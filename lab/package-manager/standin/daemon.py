"""The service: strict checks, then HTTP. It refuses to start with exit status 78 and one line per reason."""

import os
import secrets
import signal
import socket
import sys
import time

from . import checks, config as configuration, database, httpd, keys, licence, places
from .store import Store

REFUSED = 78  # EX_CONFIG of sysexits.h; the unit does not restart after it


class Refusal(Exception):
    """Why the service may not start, one sentence per reason."""

    def __init__(self, reasons):
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def log(level, message):
    """One line in the service log, and on stderr unless it is only information."""
    line = f"time={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} level={level} msg={message!r}\n"
    try:
        handle = os.open(places.LOG_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line)
    except OSError as problem:
        sys.stderr.write(f"rstudio-pm: log {places.LOG_FILE}: {problem.strerror}\n")
    if level != "info":
        sys.stderr.write(f"rstudio-pm: {message}\n")


def notify(text):
    """Tells systemd (Type=notify) how the start went."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)


def become_service():
    """Started as root by hand: continue as the service account. Anybody else than these two is refused."""
    uid, gid = places.service_account()
    if os.geteuid() == 0 and uid != 0:
        os.makedirs(places.RUN_DIR, mode=0o750, exist_ok=True)
        os.chown(places.RUN_DIR, uid, gid)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if os.geteuid() != uid:
        raise Refusal([f"the service runs as uid {uid}, not as {os.geteuid()}"])
    os.umask(0o077)
    return uid, gid


def usable_key(config, fresh):
    """The encryption key; made when there is neither key nor data, as the vendor's product does."""
    try:
        loaded = keys.load(config)
    except keys.KeyProblem as problem:
        raise Refusal([str(problem)]) from problem
    if loaded:
        return loaded[0]
    if not fresh:
        raise Refusal([f"no encryption key in {' or '.join(keys.candidates(config))}, and the database holds values "
                       "that were encrypted with one"])
    raw = keys.whiten(os.urandom(keys.LENGTH))
    handle = os.open(config.data_dir + "/rstudio-pm.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(raw.hex() + "\n")
    log("info", "a new encryption key was made")
    return keys.whiten(raw)


def first_start(config):
    """Makes the key and empty databases of an installation that has never run."""
    schema, release = places.schema_of(places.version()), places.version()
    key = usable_key(config, True)
    for name in (database.MAIN, database.USAGE):
        path = os.path.join(config.sqlite_dir, name)
        connection = database.create(path, name, secrets.token_hex(16), schema, release)
        connection.execute("INSERT INTO meta VALUES ('key_fingerprint', ?)", (keys.fingerprint(key),))
        database.commit(connection, path)
        os.chmod(path, 0o600)


def prepare(config):
    """All checks; answers the opened store and the log lines of the runtimes. Raises Refusal with every reason."""
    uid, gid = become_service()
    reasons = checks.settings(config)
    if reasons:
        raise Refusal(reasons)
    return prepare_data(config, uid, gid)


def prepare_data(config, uid, gid):
    """The checks that need the data directory."""
    main, usage = (os.path.join(config.sqlite_dir, name) for name in (database.MAIN, database.USAGE))
    stored = config.storage("packages")
    fresh = not os.path.exists(main) and not (os.path.isdir(stored) and os.listdir(stored))
    if fresh:
        for path in [config.sqlite_dir, *(config.storage(name) for name in configuration.CLASSES)]:
            os.makedirs(path, mode=0o700, exist_ok=True)
    reasons = checks.licensed(config) + checks.ownership(config, uid, gid)
    if fresh and not reasons:
        first_start(config)
    try:
        key = usable_key(config, False)
        reasons += checks.encrypted_settings(config, key)
    except Refusal as refusal:
        raise Refusal(reasons + refusal.reasons) from refusal
    schema, release = places.schema_of(places.version()), places.version()
    connections = []
    for path in (main, usage):
        try:
            connections.append(database.open_checked(path, schema))
        except database.DatabaseProblem as problem:
            reasons.append(str(problem))
    if len(connections) == 2:
        reasons += checks.fits(connections[0], key) + checks.sizes(config, connections[0])
    if reasons:
        raise Refusal(reasons)
    for path, connection in zip((main, usage), connections):
        if database.upgrade(connection, path, schema, release):
            log("info", f"database {path} was upgraded to schema {schema}")
    return Store(config, *connections)


def host_state(config):
    """State that stays with the host: activation, launcher directory, the CLI's token."""
    verify = config.data_dir + "/verify"
    if not os.path.exists(verify):
        with open(verify, "w", encoding="utf-8") as file:
            file.write(licence.activation())
    os.makedirs(config.launcher_dir, mode=0o700, exist_ok=True)
    with open(config.launcher_dir + "/state.json", "w", encoding="utf-8") as file:
        file.write(f'{{"host": "{places.hostname()}"}}\n')
    token = secrets.token_hex(16)
    os.makedirs(places.RUN_DIR, mode=0o750, exist_ok=True)
    with open(places.TOKEN_FILE, "w", encoding="ascii") as file:
        file.write(token)
    os.chmod(places.TOKEN_FILE, 0o640)
    return token


def end(status):
    """Ends the process without closing a database: a close would checkpoint and remove the write-ahead log."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def serve(config_path=None):
    """Never returns. Runs until SIGTERM. The databases are left as they are, with their write-ahead logs, as after a hard stop."""
    config = configuration.Config(config_path)
    try:
        store = prepare(config)
        server = httpd.Server(config.listen, httpd.Handler)
    except Refusal as refusal:
        for reason in refusal.reasons:
            log("error", reason)
        log("error", f"refusing to start for the {len(refusal.reasons)} reason(s) above")
        end(REFUSED)
    except OSError as problem:
        log("error", f"refusing to start: {problem}")
        end(1)
    lines = checks.runtimes(config)[1]
    server.store, server.config, server.log = store, config, log
    server.count_usage, server.token = config.usage_enabled, host_state(config)
    server.git_builds = any(line.startswith("Detected R") for line in lines)
    for line in lines if server.git_builds else [
            *lines, "Unable to use R on this system. Building Git packages will be disabled."]:
        log("info", line)
    signal.signal(signal.SIGTERM, lambda *_: end(0))
    signal.signal(signal.SIGINT, lambda *_: end(0))
    log("info", f"rstudio-pm {places.version()} (lab stand-in) answers on {config.listen[0]}:{config.listen[1]}")
    notify("READY=1")
    server.serve_forever(poll_interval=0.5)


def main(arguments):
    """rstudio-pm [--config FILE] [--version]."""
    if arguments[:1] in (["--version"], ["-V"], ["version"]):
        print(f"Posit Package Manager lab stand-in {places.version()}")
        return 0
    path = None
    if arguments[:1] in (["--config"], ["-c"]) and len(arguments) == 2:
        path = arguments[1]
    elif len(arguments) == 1 and arguments[0].startswith("--config="):
        path = arguments[0].split("=", 1)[1]
    elif arguments:
        sys.stderr.write("usage: rstudio-pm [--config FILE] [--version]\n")
        return 2
    return serve(path)
