"""Licence file and activation state, both bound to the host's machine id. A lab licence, valid nowhere else."""

import glob
import hashlib
import hmac
import json
import os

from . import places

SIGNING = b"rehost lab stand-in licence, worth nothing"


class LicenceProblem(Exception):
    """The host is not licensed; the text says which file and why."""


def sign(*parts):
    """The licence's signature over its fields."""
    return hmac.new(SIGNING, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def host_binding():
    """What a licence carries instead of the machine id itself."""
    return hashlib.sha256(("standin-host:" + places.machine_id()).encode()).hexdigest()[:32]


def make(owner):
    """The text of a licence for this host."""
    expires = "2099-12-31"
    fields = {"product": "rstudio-pm-lab-stand-in", "licensee": owner, "host": host_binding(), "expires": expires}
    return json.dumps({**fields, "signature": sign(*fields.values())}, indent=1) + "\n"


def activation():
    """The text of the activation state for this host."""
    return json.dumps({"host": host_binding(), "signature": sign("activation", host_binding())}) + "\n"


def files(config):
    """Licence files in the data directory."""
    return sorted(glob.glob(glob.escape(config.data_dir) + "/*.lic"))


def check(config):
    """The licence's fields; raises LicenceProblem unless exactly one licence of this host lies there."""
    found = files(config)
    if len(found) != 1:
        raise LicenceProblem(f"{len(found)} licence files in {config.data_dir}; exactly one is needed")
    try:
        with open(found[0], encoding="utf-8") as file:
            fields = json.load(file)
        parts = [fields[name] for name in ("product", "licensee", "host", "expires")]
        good = hmac.compare_digest(fields["signature"], sign(*parts))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise LicenceProblem(f"licence {found[0]} cannot be read: {problem}") from problem
    if not good:
        raise LicenceProblem(f"licence {found[0]} has a wrong signature")
    if fields["host"] != host_binding():
        raise LicenceProblem(f"licence {found[0]} belongs to another host ({fields['host'][:8]}, this is "
                             f"{host_binding()[:8]})")
    return fields


def check_activation(config):
    """Refuses activation state that another host left behind; none is fine, the first start makes it."""
    path = config.data_dir + "/verify"
    if not os.path.lexists(path):
        return
    try:
        with open(path, encoding="utf-8") as file:
            fields = json.load(file)
        if fields["signature"] != sign("activation", fields["host"]):
            raise LicenceProblem(f"activation state {path} has a wrong signature")
    except (OSError, ValueError, KeyError) as problem:
        raise LicenceProblem(f"activation state {path} cannot be read: {problem}") from problem
    if fields["host"] != host_binding():
        raise LicenceProblem(f"activation state {path} belongs to another host")
