"""Where the stand-in's files lie. PPM_STANDIN_ROOT moves all of them below another root, for development."""

import os
import pwd

ROOT = os.environ.get("PPM_STANDIN_ROOT", "").rstrip("/")
CONFIG = ROOT + "/etc/rstudio-pm/rstudio-pm.gcfg"
PROGRAM = ROOT + "/opt/rstudio-pm"
VERSION_FILE = PROGRAM + "/VERSION"
DEFAULT_DATA = ROOT + "/var/lib/rstudio-pm"
LOG_DIR = ROOT + "/var/log/rstudio/rstudio-pm"
LOG_FILE = LOG_DIR + "/rstudio-pm.log"
RUN_DIR = ROOT + "/run/rstudio-pm"
TOKEN_FILE = RUN_DIR + "/cli-token"
MACHINE_ID = ROOT + "/etc/machine-id"
DEFAULT_VERSION = "2026.04.1"


def version():
    """The product's release, for example 2026.04.1; tests replace the file to make a host older or newer."""
    try:
        with open(VERSION_FILE, encoding="utf-8") as file:
            return file.read().strip() or DEFAULT_VERSION
    except FileNotFoundError:
        return DEFAULT_VERSION


def schema_of(release):
    """The database schema a release writes: year and month as one number, 2026.04.1 gives 202604."""
    year, month = release.split(".")[:2]
    return int(year) * 100 + int(month)


def machine_id():
    """The host's machine id; licences and activation are bound to it."""
    with open(MACHINE_ID, encoding="utf-8") as file:
        return file.read().strip()


def hostname():
    """The host's name; the launcher's directory carries it, as the vendor's does."""
    return os.uname().nodename


def service_account():
    """(uid, gid) of the service account; PPM_STANDIN_USER may give them as UID:GID for development."""
    given = os.environ.get("PPM_STANDIN_USER", "rstudio-pm")
    if ":" in given:
        uid, gid = given.split(":")
        return int(uid), int(gid)
    entry = pwd.getpwnam(given)
    return entry.pw_uid, entry.pw_gid
