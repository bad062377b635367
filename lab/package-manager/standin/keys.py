"""The encryption key and what it seals: 512 bytes as hex, whitened, NaCl secretbox, as the vendor documents it.

XSalsa20-Poly1305 is written out because the standard library has neither; it seals a few bytes, so speed is no matter.
"""

import base64
import hashlib
import hmac
import os
import struct

LENGTH = 512
WHITENING = bytes([223, 99, 111, 160, 122, 212, 223, 105, 37, 190])
SIGMA = b"expand 32-byte k"


class KeyProblem(Exception):
    """The key cannot be used; the text says why and never shows the key."""


def whiten(data):
    """The key as it is used, from the key as it is stored (and back)."""
    return bytes(byte ^ WHITENING[at % len(WHITENING)] for at, byte in enumerate(data))


def decode(text):
    """The usable 512 bytes of a key file's text, hex or base64."""
    text = text.strip()
    try:
        data = bytes.fromhex(text)
    except ValueError:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError as problem:
            raise KeyProblem("the encryption key is neither hex nor base64") from problem
    if len(data) != LENGTH:
        raise KeyProblem(f"the encryption key has {len(data)} bytes, {LENGTH} are needed")
    return whiten(data)


def fingerprint(key):
    """SHA-256 of the whitened key, hex."""
    return hashlib.sha256(key).hexdigest()


def candidates(config):
    """Places where a key file may lie."""
    return [f"{config.data_dir}/rstudio-pm.key", f"{config.storage('persistent')}/encryption/rstudio-pm.key"]


def load(config):
    """(key, path or 'environment'), or None where there is no key at all. Raises KeyProblem."""
    if os.environ.get("PACKAGEMANAGER_ENCRYPTION_KEY"):
        return decode(os.environ["PACKAGEMANAGER_ENCRYPTION_KEY"]), "environment"
    found = [path for path in candidates(config) if os.path.lexists(path)]
    if len(found) > 1:
        raise KeyProblem(f"two encryption keys: {found[0]} and {found[1]}; exactly one may exist")
    if not found:
        return None
    mode = os.stat(found[0]).st_mode & 0o777
    if mode & 0o077:
        raise KeyProblem(f"encryption key {found[0]} has mode {mode:04o}; only its owner may read it (0600)")
    try:
        with open(found[0], encoding="ascii") as file:
            return decode(file.read()), found[0]
    except OSError as problem:
        raise KeyProblem(f"encryption key {found[0]} cannot be read: {problem.strerror}") from problem


def encrypt(key, text, nonce=None):
    """Base64 of nonce and sealed text."""
    nonce = nonce or os.urandom(24)
    stream = xsalsa20(key[:32], nonce, 32 + len(text.encode()))
    sealed = bytes(a ^ b for a, b in zip(text.encode(), stream[32:]))
    return base64.b64encode(nonce + poly1305(stream[:32], sealed) + sealed).decode()


def decrypt(key, text):
    """The sealed text; raises KeyProblem where this key did not seal it."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as problem:
        raise KeyProblem("an encrypted value is not base64") from problem
    if raw[:1] == b"\x01" and len(raw) > 41:
        try:
            return opened(key, raw[1:])
        except KeyProblem:
            pass  # a nonce may begin with that byte by chance
    return opened(key, raw)


def opened(key, raw):
    """The text of nonce + tag + sealed bytes."""
    nonce, tag, sealed = raw[:24], raw[24:40], raw[40:]
    stream = xsalsa20(key[:32], nonce, 32 + len(sealed))
    if len(raw) < 40 or not hmac.compare_digest(tag, poly1305(stream[:32], sealed)):
        raise KeyProblem("an encrypted value was not encrypted with this key")
    return bytes(a ^ b for a, b in zip(sealed, stream[32:])).decode()


def rotl(value, count):
    """32-bit rotation."""
    return ((value << count) | (value >> (32 - count))) & 0xFFFFFFFF


def salsa_rounds(state):
    """Twenty rounds of Salsa20 over sixteen words."""
    x = list(state)
    columns = [(0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)]
    rows = [(0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)]
    for _ in range(10):
        for a, b, c, d in columns + rows:
            x[b] ^= rotl((x[a] + x[d]) & 0xFFFFFFFF, 7)
            x[c] ^= rotl((x[b] + x[a]) & 0xFFFFFFFF, 9)
            x[d] ^= rotl((x[c] + x[b]) & 0xFFFFFFFF, 13)
            x[a] ^= rotl((x[d] + x[c]) & 0xFFFFFFFF, 18)
    return x


def layout(key, block):
    """The sixteen words of key, constant and 16-byte block."""
    k, s, n = struct.unpack("<8I", key), struct.unpack("<4I", SIGMA), struct.unpack("<4I", block)
    return [s[0], *k[:4], s[1], *n, s[2], *k[4:], s[3]]


def xsalsa20(key, nonce, length):
    """The key stream of XSalsa20."""
    x = salsa_rounds(layout(key, nonce[:16]))
    subkey = struct.pack("<8I", x[0], x[5], x[10], x[15], x[6], x[7], x[8], x[9])
    out = b""
    counter = 0
    while len(out) < length:
        state = layout(subkey, nonce[16:] + struct.pack("<Q", counter))
        mixed = salsa_rounds(state)
        out += struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(state, mixed)))
        counter += 1
    return out[:length]


def poly1305(key, message):
    """The 16-byte authenticator of RFC 8439."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:32], "little")) % (1 << 128)).to_bytes(16, "little")
