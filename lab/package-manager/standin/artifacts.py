"""Package files made from a name alone: the same bytes on every host and with every Python and zlib.

Nothing is compressed by zlib, whose output differs between releases: gzip members hold stored blocks.
"""

import base64
import hashlib
import io
import struct
import tarfile
import zipfile
import zlib

EPOCH = 1_750_000_000


def noise(seed, size):
    """`size` bytes that look random and depend on the seed only."""
    return hashlib.shake_256(seed.encode()).digest(size)


def stored_gzip(data):
    """A gzip member of stored blocks."""
    out = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    for at in range(0, max(len(data), 1), 65535):
        block = data[at : at + 65535]
        last = at + 65535 >= len(data)
        out.append(struct.pack("<BHH", 1 if last else 0, len(block), len(block) ^ 0xFFFF) + block)
    out.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(out)


def tarball(files):
    """A .tar.gz of (name, bytes) pairs with fixed owner and times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), EPOCH, 0o644
            archive.addfile(info, io.BytesIO(data))
    return stored_gzip(buffer.getvalue())


def r_package(name, version, size):
    """(file name, bytes) of an R source package."""
    description = (f"Package: {name}\nVersion: {version}\nTitle: Lab Package {name}\nLicense: MIT\n"
                   f"Description: Made for the lab.\nNeedsCompilation: no\n")
    files = [(f"{name}/DESCRIPTION", description.encode()), (f"{name}/NAMESPACE", b"export(hello)\n"),
             (f"{name}/R/hello.R", b"hello <- function() 'lab'\n"),
             (f"{name}/inst/extdata/noise.bin", noise(f"r:{name}:{version}", size))]
    return f"{name}_{version}.tar.gz", tarball(files)


def wheel(name, version, size):
    """(file name, bytes) of a wheel that pip installs."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = [(f"{module}/__init__.py", f'VERSION = "{version}"\n'.encode()),
             (f"{module}/noise.bin", noise(f"py:{name}:{version}", size)),
             (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()),
             (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n")]
    record = "".join(f"{path},sha256={urlsafe(data)},{len(data)}\n" for path, data in files)
    files.append((f"{info}/RECORD", (record + f"{info}/RECORD,,\n").encode()))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, data in files:
            entry = zipfile.ZipInfo(path, (2025, 6, 1, 0, 0, 0))
            entry.external_attr, entry.create_system = 0o644 << 16, 3
            archive.writestr(entry, data)
    return f"{module}-{version}-py3-none-any.whl", buffer.getvalue()


def sdist(name, version, size):
    """(file name, bytes) of a source distribution."""
    module = name.replace("-", "_")
    files = [(f"{module}-{version}/PKG-INFO", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()),
             (f"{module}-{version}/setup.py",
              f"from setuptools import setup\nsetup(name={name!r}, version={version!r})\n".encode()),
             (f"{module}-{version}/noise.bin", noise(f"sdist:{name}:{version}", size))]
    return f"{module}-{version}.tar.gz", tarball(files)


def urlsafe(data):
    """The digest as RECORD wants it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


KINDS = {"r": r_package, "wheel": wheel, "sdist": sdist}


def make(kind, name, version, size):
    """(file name, bytes) of one artefact; kind is r, wheel or sdist."""
    return KINDS[kind](name, version, size)
