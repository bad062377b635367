"""Writes the gcfg of a lab host: with comments, quotes and a moved data directory, as people's files look."""

import os
import re
import sys

from . import places

TEMPLATE = """; Posit Package Manager (lab stand-in) on the {role}. Edited by hand over the years.
# Both kinds of comment are allowed, on lines of their own and behind values.

[Server]
Address = "http://{hostname}:4242/"   ; what clients call us
DataDir = "{data}" ; moved when the disk was full
{runtimes}AccessLogFormat = common

[http]
; the section's name in another case, as the product allows
Listen = "127.0.0.1:4242"    # isolated behind the proxy

[Database]
Provider = sqlite  ; PostgreSQL some day

[SQLite]
Dir = "{{Server.DataDir}}/db"

[Manifest]
URL = "http://127.0.0.1:4280/"  ; the lab's own upstream
; password: none

[Metrics]
Enabled = false

[Git]
PollInterval = 5m ; "often enough" # really
"""


def render(role, data):
    """The whole file's text."""
    versions = {"source": [("R", "/opt/R/4.4.1"), ("Python", "/opt/python/3.11.9")],
                "target": [("R", "/opt/R/4.4.1"), ("R", "/opt/R/4.5.1"), ("Python", "/opt/python/3.12.4")]}[role]
    lines = "".join(f"{name}Version = {places.ROOT}{path}{'  ; ' + name + ' of the image' if at == 0 else ''}\n"
                    for at, (name, path) in enumerate(versions))
    return TEMPLATE.format(role=role, data=data, hostname=f"ppm-{role}.example", runtimes=lines)


def with_password(path, ciphertext):
    """Puts the encrypted password of the upstream into the file, keeping everything else."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    line = f'Password = "{ciphertext}" ; encrypted with this host\'s key'
    text = re.sub(r"^(; password: none|Password = .*)$", lambda _: line, text, flags=re.M)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    os.makedirs(os.path.dirname(places.CONFIG), exist_ok=True)
    with open(places.CONFIG, "w", encoding="utf-8") as target:
        target.write(render(sys.argv[1], sys.argv[2]))
