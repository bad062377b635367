"""What the CLI asks of the running server: eviction, offline, online, lists."""

import os
import time
import urllib.request

MONTH = 30 * 86400


class Refused(Exception):
    """The server will not do it; the text says why."""


def command(server, path, body):
    """The answer to one POST of the CLI, as JSON."""
    if path == "/__api__/admin/offline":
        server.offline = True
        server.log("info", "the server is offline")
        return {"state": "offline"}
    if path == "/__api__/admin/online":
        server.offline = False
        server.log("info", "the server is online")
        return {"state": "online"}
    if path == "/__api__/admin/evict":
        return evict(server, body.get("type", "normal"))
    raise ValueError(f"{path} is no command")


def evict(server, kind):
    """Removes cached files; `clear` only while the upstream can give them again. Answers files and bytes freed."""
    if kind not in ("normal", "packages", "sweep", "clear"):
        raise ValueError(f"--type={kind}: use normal, packages, sweep or clear")
    config, store = server.config, server.store
    if kind == "clear":
        upstream(config.get("Manifest", "URL"))
    cache = config.storage("cache")
    if kind == "packages":
        tracked = {os.path.basename(row["path"]) for row in store.rows(
            "SELECT path FROM packages WHERE path IS NOT NULL")}
        freed = remove(cache + "/packages", lambda path, _: os.path.basename(path) not in tracked)
    elif kind == "sweep":
        tracked = {row["sha256"] for row in store.rows("SELECT sha256 FROM packages WHERE upstream IS NOT NULL")}
        freed = remove(cache + "/upstream", lambda path, _: os.path.basename(path) not in tracked)
    else:
        horizon = time.time() - MONTH if kind == "normal" else float("inf")
        freed = remove(cache, lambda _, info: max(info.st_atime, info.st_mtime) < horizon)
    server.log("info", f"eviction {kind}: {freed['files']} files, {freed['bytes']} bytes")
    return {"type": kind, **freed}


def upstream(url):
    """Refuses when what would be evicted could not be fetched again."""
    if not url:
        raise Refused("no upstream is configured (Manifest.URL): cached files could not be fetched again, nothing was evicted")
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=3):
            return
    except (OSError, ValueError) as problem:
        raise Refused(f"upstream {url} cannot be reached ({problem}): cached files could not be fetched again, "
                      "nothing was evicted") from problem


def remove(top, chosen):
    """Removes the chosen files below a directory and the directories this leaves empty; the top stays."""
    files = size = 0
    for folder, names, entries in os.walk(top, topdown=False):
        for name in entries:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if chosen(path, info):
                os.unlink(path)
                files, size = files + 1, size + info.st_size
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and not os.listdir(path):
                os.rmdir(path)
    return {"files": files, "bytes": size}
