"""The effective configuration: the gcfg file, then PACKAGEMANAGER_<SECTION>_<PROPERTY> from the environment."""

import os

from . import gcfg, places

KNOWN = {
    "Server": ["Address", "DataDir", "TempDir", "LauncherDir", "RVersion", "PythonVersion", "AccessLog",
               "AccessLogFormat", "ServiceLog", "UsageDataEnabled"],
    "HTTP": ["Listen", "NoWarning"],
    "HTTPS": ["Listen", "Certificate", "Key"],
    "Database": ["Provider"],
    "Postgres": ["URL", "Password", "UsageDataURL", "UsageDataPassword"],
    "SQLite": ["Dir"],
    "Storage": ["Default", "Cache", "Metrics", "Packages", "CRAN", "PyPI", "Bioconductor", "Persistent"],
    "FileStorage": ["Location"],
    "Git": ["BuilderDir", "PollInterval", "AllowUnsandboxedGitBuilds"],
    "CRAN": ["SyncSchedule"],
    "PyPI": ["SyncSchedule"],
    "Bioconductor": ["SyncSchedule"],
    "Metrics": ["Enabled", "Listen"],
    "Debug": ["Log"],
    "Manifest": ["URL", "Password"],
    "Proxy": ["URL", "User", "Password"],
}
LISTS = {("server", "rversion"), ("server", "pythonversion"), ("debug", "log")}
CLASSES = ["cache", "metrics", "packages", "cran", "pypi", "bioconductor", "persistent"]
RESERVED_ENVIRONMENT = {"PACKAGEMANAGER_ADDRESS", "PACKAGEMANAGER_ENCRYPTION_KEY", "PACKAGEMANAGER_TOKEN"}


class Config:
    """Answers for one property; `problems` lists syntax errors and unknown names, in words."""

    def __init__(self, path=None, environment=os.environ):
        self.path = path or places.CONFIG
        self.values, self.locations, self.problems = {}, {}, []
        self.by_lower = {s.lower(): (s, {k.lower(): k for k in keys}) for s, keys in KNOWN.items()}
        try:
            with open(self.path, encoding="utf-8") as file:
                entries = gcfg.parse(file.read())
        except (OSError, UnicodeDecodeError, gcfg.SyntaxProblem) as problem:
            self.problems.append(f"configuration {self.path}: {problem}")
            entries = []
        for entry in entries:
            self.take(entry)
        self.take_environment(environment)

    def take(self, entry):
        """Adds one property of the file, or notes that nobody knows it."""
        known = self.by_lower.get(entry.section.lower())
        if known is None:
            self.problems.append(f"configuration {self.path} line {entry.line}: unknown section [{entry.section}]")
            return
        if entry.name.lower() not in known[1]:
            self.problems.append(
                f"configuration {self.path} line {entry.line}: unknown property {entry.section}.{entry.name}")
            return
        key = (entry.section.lower(), entry.name.lower())
        if key[0] == "filestorage":
            self.locations[entry.subsection] = entry.value
        elif key in LISTS:
            self.values[key] = [] if entry.value is None else [*self.values.get(key, []), entry.value]
        else:
            self.values[key] = "true" if entry.value is None else entry.value

    def take_environment(self, environment):
        """Applies the overrides of the environment over the file."""
        for variable, value in environment.items():
            if not variable.startswith("PACKAGEMANAGER_") or variable in RESERVED_ENVIRONMENT:
                continue
            section, _, name = variable[len("PACKAGEMANAGER_"):].lower().partition("_")
            if section not in self.by_lower or name not in self.by_lower[section][1]:
                self.problems.append(f"environment: {variable} names no known property")
            else:
                self.values[(section, name)] = value.split(",") if (section, name) in LISTS else value

    def get(self, section, name, default=""):
        """The value of one property, names in any case."""
        return self.values.get((section.lower(), name.lower()), default)

    @property
    def data_dir(self):
        """Server.DataDir, absolute, without a trailing slash."""
        return self.get("Server", "DataDir", places.DEFAULT_DATA).rstrip("/") or "/"

    @property
    def sqlite_dir(self):
        """SQLite.Dir with {Server.DataDir} filled in."""
        return self.get("SQLite", "Dir", "{Server.DataDir}/db").replace("{Server.DataDir}", self.data_dir)

    def storage(self, name):
        """The directory of one storage class."""
        return self.locations.get(name) or f"{self.data_dir}/{name}"

    @property
    def launcher_dir(self):
        """Server.LauncherDir; the default carries the host's name."""
        return self.get("Server", "LauncherDir") or f"{self.data_dir}/launcher-{places.hostname()}"

    @property
    def listen(self):
        """(address, port) of HTTP.Listen; raises ValueError when it is none."""
        address, _, port = self.get("HTTP", "Listen", ":4242").rpartition(":")
        return address.strip("[]") or "0.0.0.0", int(port)

    @property
    def usage_enabled(self):
        """Server.UsageDataEnabled, on by default."""
        return self.get("Server", "UsageDataEnabled", "true").lower() in ("true", "yes", "on", "1")
