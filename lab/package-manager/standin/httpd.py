"""The HTTP side: health, API, CRAN and PyPI indexes, downloads. Content is answered from database and data directory."""

import html
import json
import os
import re
import sys
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import admin, artifacts, places
from .store import PYTHON, StoreProblem

BIOC = [{"bioc_version": "3.20", "r_version": "4.4", "cran_snapshot": "2025-04-15"},
        {"bioc_version": "3.19", "r_version": "4.4", "cran_snapshot": "2024-10-29"}]
DISTROS = [{"name": "bookworm", "distribution": "debian", "release": "12", "binaries": True},
           {"name": "trixie", "distribution": "debian", "release": "13", "binaries": True}]


class NotFound(Exception):
    """Nothing lies at the address."""


class Server(ThreadingHTTPServer):
    """Carries what the handlers need: store, configuration, CLI token, the offline switch."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True
    offline = False


class Handler(BaseHTTPRequestHandler):
    """One request. Anything contradictory in the stored content is answered 500 with the reason."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "rstudio-pm-stand-in", ""

    def do_GET(self):
        """Answers GET."""
        self.route(self.command == "HEAD")

    do_HEAD = do_GET

    def do_POST(self):
        """Answers the CLI's requests."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        try:
            if self.headers.get("X-PackageManager-Token") != self.server.token:
                self.send(403, "the CLI's token is wrong or missing\n")
                return
            self.send_json(admin.command(self.server, self.path.split("?")[0], json.loads(body or b"{}")))
        except admin.Refused as problem:
            self.send_json({"error": str(problem)}, 409)
        except (ValueError, OSError) as problem:
            self.send_json({"error": str(problem)}, 400)

    def route(self, head):
        """Finds the answer of a GET or HEAD."""
        self.head = head
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        self.query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        try:
            if self.server.offline:
                self.send(503, "the server is offline\n")
            elif path == "/__ping__":
                self.send(200, "")
            elif path.startswith("/__api__/"):
                self.api(path[len("/__api__/"):].rstrip("/").split("/"))
            else:
                self.content(path)
        except NotFound:
            self.send(404, "not found\n")
        except StoreProblem as problem:
            self.log_error("%s: %s", path, problem)
            self.send(500, f"{problem}\n")

    def api(self, parts):
        """The JSON API."""
        store = self.server.store
        match parts:
            case ["status"]:
                self.send_json(self.status())
            case ["repos"]:
                self.send_json([repo_json(repo) for repo in store.repos()])
            case ["repos", key]:
                self.send_json(repo_json(self.repo(key)))
            case ["repos", key, "packages"]:
                self.send_json(self.packages(self.repo(key)))
            case ["repos", key, "packages", name]:
                found = [p for p in self.packages(self.repo(key)) if p["name"] == name]
                if not found:
                    raise NotFound
                self.send_json(found[-1])
            case ["repos", key, "snapshots"]:
                repo = self.repo(key)
                self.send_json([snapshot_json(repo, s) for s in store.snapshots(repo)])
            case ["repos", key, "transaction-dates"]:
                repo = self.repo(key)
                self.send_json([{"id": s["id"], "date": s["date"] + "T00:00:00Z", "alias": s["date"]}
                                for s in store.snapshots(repo)])
            case ["repos", key, "rules"]:
                self.send_json(store.rows("SELECT id, kind, pattern, reason FROM rules WHERE repo_id = ? ORDER BY id",
                                          self.repo(key)["id"]))
            case ["sources"]:
                self.send_json(store.rows("SELECT id, name, type, language FROM sources ORDER BY id"))
            case _:
                raise NotFound

    def status(self):
        """What the vendor's status says, as far as clients read it, and totals of the usage history."""
        store = self.server.store
        return {"version": places.version(), "build_date": "2026-04-20T00:00:00Z", "metrics_enabled": True,
                "r_configured": True, "git_builds": self.server.git_builds, "binaries_enabled": True, "display_hash": True,
                "r_versions": ["4.2", "4.3", "4.4", "4.5"], "bioc_versions": BIOC, "distros": DISTROS,
                "repos": len(store.repos()), "metrics": store.counters()}

    def repo(self, key):
        """The repository of an address, by name or id."""
        found = self.server.store.repo(key)
        if not found:
            raise NotFound
        return found

    def packages(self, repo):
        """Packages of a repository's newest state as the API lists them."""
        store = self.server.store
        snapshot = store.snapshot(repo, "latest")
        names, like = self.query.get("name"), self.query.get("name_like", [""])[0]
        return [{"id": p["id"], "name": p["name"], "version": p["version"], "filename": p["filename"],
                 "checksum": p["sha256"], "size": p["size"], "remote_sha": p["commit_id"] or ""}
                for p in (store.content(repo, snapshot) if snapshot else [])
                if like in p["name"] and (not names or p["name"] in names)]

    def content(self, path):
        """Indexes and files: /<repo>[/__linux__/<distribution>]/<snapshot>/…"""
        found = re.fullmatch(r"/([^/]+)(?:/__linux__/[a-z]+)?/([^/]+)/(.*)", path)
        if not found:
            raise NotFound
        repo, rest = self.repo(found[1]), found[3]
        snapshot = self.server.store.snapshot(repo, found[2])
        if not snapshot:
            raise NotFound
        every = self.server.store.content(repo, snapshot)
        if repo["type"] == PYTHON:
            self.python(repo, every, rest, f"/{found[1]}/{found[2]}")
        else:
            self.r_content(repo, every, rest)

    def r_content(self, repo, every, rest):
        """CRAN layout."""
        newest = list({p["name"]: p for p in every}.values())
        if rest in ("src/contrib/PACKAGES", "src/contrib/PACKAGES.gz"):
            text = "\n".join(f"Package: {p['name']}\nVersion: {p['version']}\nLicense: MIT\nNeedsCompilation: no\n"
                             f"SHA256: {p['sha256']}\n" for p in newest)
            if rest.endswith(".gz"):
                self.send(200, artifacts.stored_gzip(text.encode()), "application/x-gzip")
            else:
                self.send(200, text)
            return
        file = re.fullmatch(r"src/contrib/(?:Archive/[^/]+/)?([^/]+\.tar\.gz)", rest)
        self.download(repo, every, file and file[1])

    def python(self, repo, every, rest, base):
        """PEP 503 layout."""
        normal = {re.sub(r"[-_.]+", "-", p["name"]).lower() for p in every}
        page = re.fullmatch(r"simple/([^/]+)/?", rest)
        if rest in ("simple", "simple/"):
            links = [f'<a href="{base}/simple/{name}/">{name}</a>' for name in sorted(normal)]
        elif page:
            wanted = re.sub(r"[-_.]+", "-", page[1]).lower()
            if wanted not in normal:
                raise NotFound
            links = [f'<a href="{base}/packages/{html.escape(p["filename"])}#sha256={p["sha256"]}">'
                     f'{html.escape(p["filename"])}</a>'
                     for p in every if re.sub(r"[-_.]+", "-", p["name"]).lower() == wanted]
        else:
            file = re.fullmatch(r"packages/([^/]+)", rest)
            self.download(repo, every, file and file[1])
            return
        head = '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.0"></head><body>\n'
        self.send(200, head + "<br/>\n".join(links) + "\n</body></html>\n", "text/html; charset=utf-8")

    def download(self, repo, every, filename):
        """One package file, checksum verified before the first byte; counted unless it is a HEAD."""
        package = next((p for p in every if p["filename"] == filename), None)
        if not package:
            raise NotFound
        path = self.server.store.file(package)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(os.path.getsize(path)))
        self.send_header("ETag", f'"{package["sha256"]}"')
        self.end_headers()
        if self.head:
            return
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                self.wfile.write(chunk)
        if self.server.count_usage:
            self.server.store.count(repo, package, time.strftime("%Y-%m-%d", time.gmtime()))

    def send_json(self, value, status=200):
        """A JSON answer."""
        self.send(status, json.dumps(value, indent=1) + "\n", "application/json")

    def send(self, status, body, kind="text/plain; charset=utf-8"):
        """A whole answer."""
        raw = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def log_message(self, format, *args):  # noqa: A002 - the base class names it so
        """Writes access and errors to the service log."""
        self.server.log("info", format % args)


def repo_json(repo):
    """A repository as the API shows it."""
    return {"id": repo["id"], "name": repo["name"], "type": repo["type"], "description": repo["description"],
            "created": repo["created"], "hidden": False, "kind": repo["kind"]}


def snapshot_json(repo, snapshot):
    """A frozen state: CRAN and PyPI are addressed by date, every other repository by its hash."""
    plain = repo["kind"] in ("cran", "pypi")
    key = snapshot["date"] if plain else snapshot["hash"]
    index = "simple/" if repo["type"] == PYTHON else "src/contrib/PACKAGES"
    return {"id": snapshot["id"], "hash": None if plain else snapshot["hash"], "created": snapshot["date"],
            "path": f"/{repo['name']}/{key}/{index}"}


def quiet_errors(server, *_):
    """A client that hangs up is no error of the service."""
    problem = sys.exc_info()[1]
    if not isinstance(problem, (ConnectionError, TimeoutError)):
        server.log("error", f"request failed: {problem!r}")


Server.handle_error = quiet_errors
