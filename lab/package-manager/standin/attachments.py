"""Odd files that a copy easily loses: names, links, holes, access lists. The database knows each regular one."""

import hashlib
import os
import subprocess

from . import artifacts

NAMES = [b"line\nbreak.txt", b"-rf", b"--delete", "ünï–code 名前.txt".encode(), b"quote'\"$(touch x)`.txt",
         b" spaces at both ends ", b"tab\there", b"back\\slash", b"latin1-\xe9.bin", b"*?[glob]", b"verify",
         b"lookalike.lic", b"cache", b"#comment;", b"trailing.", "e\u0301-decomposed".encode(), b"\x01control"]


def make(seeder):
    """Makes the files below packages/attachments; answers (path, size, sha256) rows for the database."""
    root = seeder.path("packages", "attachments", "x")[:-2]
    rows = []

    def keep(name, data):
        """One regular file that the product will miss."""
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        seeder.write(path, data)
        rows.append((b"attachments/" + name, len(data), hashlib.sha256(data).hexdigest()))

    for number, name in enumerate(NAMES):
        keep(name, artifacts.noise(f"attachment:{seeder.role}:{number}", 100 + number))
    keep(b"empty-file", b"")
    keep(b"deep/" + b"/".join([b"d" * 60] * 8) + b"/leaf", b"far down\n")
    keep(b"named-like-excludes/cache/kept.txt", b"not a cache\n")
    keep(b"named-like-excludes/verify", b"not the activation\n")
    keep(b"with-acl", b"readable for one more account\n")
    keep(b"with-xattr", b"carries extended attributes\n")
    keep(b"hard-link-1", b"three names, one file\n")
    for number in (2, 3):
        path = os.path.join(root, f"hard-link-{number}")
        if not os.path.exists(path):
            os.link(os.path.join(root, "hard-link-1"), path)
        rows.append((b"attachments/hard-link-%d" % number, 22, rows[-1][2]))
    for link, to in (("link-relative", "../internal-src"), ("link-dangling", "nowhere/at all"), ("link-file", "-rf")):
        os.symlink(to, os.path.join(root, link))
    os.makedirs(os.path.join(root, "empty-directory", "inside"), mode=0o700)
    os.makedirs(os.path.join(root, "shared"), mode=0o770)
    sparse = seeder.path("metrics", "history.bin")
    with open(sparse, "wb") as file:
        file.write(artifacts.noise(f"sparse:{seeder.seed}", 4096))
        file.seek(64 << 20)
        file.write(b"end")
    os.utime(sparse, ns=(artifacts.EPOCH * 10**9 + 7, artifacts.EPOCH * 10**9 + 7))
    return rows


def after_owner(seeder):
    """What a change of owner would take away: setgid, access lists, extended attributes."""
    root = os.path.join(seeder.data, "packages", "attachments")
    os.chmod(os.path.join(root, "shared"), 0o2770)
    group = os.stat(seeder.data).st_gid
    subprocess.run(["setfacl", "-m", f"u:backup:r--,g:{group}:r--", os.path.join(root, "with-acl")], check=True)
    subprocess.run(["setfacl", "-d", "-m", "g:backup:r-x", os.path.join(root, "shared")], check=True)
    os.setxattr(os.path.join(root, "with-xattr"), "user.origin", b"lab\x00binary\xff")
    os.setxattr(os.path.join(root, "with-xattr"), "user.note", "größer".encode())
    for path in ("with-acl", "with-xattr"):
        os.chmod(os.path.join(root, path), 0o640)
