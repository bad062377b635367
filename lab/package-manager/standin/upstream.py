"""The upstream of the lab, on the host's own loopback: makes any artefact from its address. No part of the product."""

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import artifacts


class Handler(BaseHTTPRequestHandler):
    """GET /artifacts/<kind>/<name>/<version>/<size>."""

    def do_GET(self):
        """Answers GET and HEAD."""
        found = re.fullmatch(r"/artifacts/(r|wheel|sdist)/([\w-]+)/([\d.]+)/(\d{1,7})", self.path)
        if self.path == "/":
            status, body = 200, b"upstream of the lab\n"
        elif found:
            status, body = 200, artifacts.make(found[1], found[2], found[3], int(found[4]))[1]
        else:
            status, body = 404, b"not found\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format, *args):  # noqa: A002 - the base class names it so
        """Quiet."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 4280), Handler).serve_forever()
