"""The rspm command: the flags and subcommands that an operator of the vendor's product knows."""

import argparse
import json
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request

from . import checks, config as configuration, places


class CliProblem(Exception):
    """Ends the command with status 1 and this text."""


def parser():
    """The command line; global flags may stand before or after the subcommand."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("-c", "--config", help="Path to config file")
    shared.add_argument("-a", "--address", help="The address of the remote server")
    shared.add_argument("-o", "--output-format", choices=["human", "json"], help="human or json")
    shared.add_argument("-v", "--verbose", action="store_true", help="Provide additional output")
    top = argparse.ArgumentParser(prog="rspm", parents=[shared],
                                  description="Administration of the lab's stand-in for Posit Package Manager.")
    top.add_argument("-V", "--version", action="store_true", help="Show version number and quit")
    commands = top.add_subparsers(dest="command")
    evict = commands.add_parser("evict", parents=[shared], help="Remove cached files")
    evict.add_argument("--type", default="normal",
                       help="The eviction type. Use 'normal', 'packages', 'sweep', or 'clear'. (default \"normal\")")
    for name, text in (("offline", "Answer 503"), ("online", "Answer again"), ("verify", "Check the connection"),
                       ("check-config", "Check the configuration without starting")):
        commands.add_parser(name, parents=[shared], help=text)
    listing = commands.add_parser("list", parents=[shared], help="List repos, sources or packages")
    listing.add_argument("what", choices=["repos", "sources", "packages"], nargs="?", default="repos")
    info = commands.add_parser("info", parents=[shared], help="Details of a repo or source")
    for command in (listing, info):
        command.add_argument("--repo")
        command.add_argument("--source")
    return top


class Cli:
    """One invocation."""

    def __init__(self, options):
        self.options = options
        self.config = configuration.Config(getattr(options, "config", None))
        self.json = getattr(options, "output_format", "human") == "json"

    def call(self, path, body=None):
        """One request to the running server, through its loopback; POST needs the group's token."""
        port = self.config.listen[1]
        base = getattr(self.options, "address", None) or f"http://127.0.0.1:{port}"
        request = urllib.request.Request(base.rstrip("/") + "/__api__/" + path)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("X-PackageManager-Token", self.token())
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            raw = problem.read().decode(errors="replace").strip()
            raise CliProblem(json.loads(raw)["error"] if raw.startswith("{") else f"{problem.code}: {raw}") from problem
        except (OSError, ValueError) as problem:
            raise CliProblem(f"the server at {base} does not answer ({problem}); is rstudio-pm running?") from problem

    def token(self):
        """The CLI's token; reading it takes membership of the service's group."""
        try:
            with open(places.TOKEN_FILE, encoding="ascii") as file:
                return file.read()
        except PermissionError as problem:
            raise CliProblem("you are not a member of the service's group rstudio-pm") from problem
        except OSError as problem:
            raise CliProblem(f"{places.TOKEN_FILE}: {problem.strerror}; is rstudio-pm running?") from problem

    def show(self, value, line):
        """Prints a value as JSON, or one line for each of its items."""
        if self.json:
            print(json.dumps(value, indent=1))
        else:
            for item in value if isinstance(value, list) else [value]:
                print(line(item))

    def evict(self):
        """rspm evict."""
        freed = self.call("admin/evict", {"type": self.options.type})
        self.show(freed, lambda f: f"Eviction ({f['type']}) removed {f['files']} files and freed {f['bytes']} bytes.")

    def switch(self):
        """rspm offline and online."""
        state = self.call(f"admin/{self.options.command}", {})
        self.show(state, lambda s: f"The server is {s['state']}.")

    def verify(self):
        """rspm verify: the connection, nothing else."""
        self.token()
        status = self.call("status")
        self.show({"version": status["version"]}, lambda s: f"Connected to a server of version {s['version']}.")

    def list(self):
        """rspm list."""
        if self.options.what == "packages":
            if not self.options.repo:
                raise CliProblem("rspm list packages needs --repo")
            found = self.call(f"repos/{urllib.parse.quote(self.options.repo)}/packages")
            self.show(found, lambda p: f"{p['name']} {p['version']} {p['checksum']}")
        else:
            found = self.call(self.options.what)
            self.show(found, lambda r: f"{r['id']} {r['name']} {r['type']}")

    def info(self):
        """rspm info."""
        if bool(self.options.repo) == bool(self.options.source):
            raise CliProblem("rspm info needs either --repo or --source")
        if self.options.source:
            every = [s for s in self.call("sources") if s["name"] == self.options.source]
            if not every:
                raise CliProblem(f"no source {self.options.source}")
            self.show(every[0], lambda s: f"{s['id']} {s['name']} {s['type']} {s['language']}")
            return
        key = urllib.parse.quote(self.options.repo)
        whole = {**self.call(f"repos/{key}"), "rules": self.call(f"repos/{key}/rules"),
                 "snapshots": self.call(f"repos/{key}/snapshots")}
        self.show(whole, lambda r: "\n".join([f"{r['name']} ({r['type']}, {r['kind']}): {r['description']}",
                                              *(f"  rule {x['kind']} {x['pattern']}" for x in r["rules"]),
                                              *(f"  {s['created']} {s['path']}" for s in r["snapshots"])]))

    def check_config(self):
        """rspm check-config: exit 1 when anything is wrong; creates nothing."""
        results = checks.check_config(self.config)
        if self.json:
            print(json.dumps([{"check": name, "ok": not found, "problems": found} for name, found in results], indent=1))
        else:
            for name, found in results:
                print(f"{'ok  ' if not found else 'FAIL'} {name}")
                for problem in found:
                    print(f"     {problem}")
        return 1 if any(found for _, found in results) else 0


def main(arguments):
    """Runs one command; 0 done, 1 failed, 2 usage."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a closed pipe ends the command quietly, as with any other tool
    top = parser()
    options = top.parse_args(arguments)
    if options.version:
        print(f"Posit Package Manager lab stand-in {places.version()}")
        return 0
    if not options.command:
        top.print_help()
        return 0
    cli = Cli(options)
    actions = {"offline": cli.switch, "online": cli.switch, "check-config": cli.check_config}
    action = actions.get(options.command) or getattr(cli, options.command)
    try:
        return action() or 0
    except CliProblem as problem:
        sys.stderr.write(f"Error: {problem}\n")
        return 1
