# SPDX-License-Identifier: Apache-2.0
"""A line of authorized_keys(5): sshd(8), "AUTHORIZED_KEYS FILE FORMAT"."""

from __future__ import annotations

import binascii

from bootagent.model.values import shown

TYPES = frozenset(
    (
        "ssh-ed25519",
        "ssh-rsa",
        "ssh-dss",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "ssh-ed25519-cert-v01@openssh.com",
        "ssh-rsa-cert-v01@openssh.com",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com",
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    )
)

MAX_LINE = 16384  # bytes; a 16384-bit RSA key has 2800, options may be long; sshd reads no longer lines well


class SshKey(str):
    """One public key with its options and comment, on one line.

    The blob must be base64 whose first string is the key's type (RFC 4253 6.6), so that free text, an X.509
    certificate or a private key is never taken for a key.
    """

    __slots__ = ()

    def __new__(cls, text: object) -> SshKey:
        if not isinstance(text, str) or len(text) > MAX_LINE or not text.replace("\t", " ").isprintable():
            raise ValueError("not one printable line")
        line = text.replace("\t", " ").strip()
        kind, rest = _split_type(line)
        blob, _, comment = rest.lstrip(" ").partition(" ")
        _check_blob(kind, blob)
        options = line[: len(line) - len(kind) - len(rest)].strip(" ")
        return super().__new__(cls, " ".join(filter(None, (options, kind, blob, comment.strip(" ")))))

    @property
    def identity(self) -> str:
        """Type and blob: two lines of one identity let the same person in."""
        kind, rest = _split_type(self)
        return f"{kind} {rest.lstrip(' ').partition(' ')[0]}"


def _split_type(line: str) -> tuple[str, str]:
    """The key's type and all behind it, skipping the options in front, whose quoted parts may hold blanks."""
    word, _, _ = line.partition(" ")
    if word in TYPES:
        return word, line[len(word) :]
    end = _options_end(line)
    rest = line[end:].lstrip(" ")
    word, _, _ = rest.partition(" ")
    if end == 0 or word not in TYPES:
        raise ValueError(f"no known key type in {shown(line.partition(' ')[0])}")
    return word, rest[len(word) :]


def _options_end(line: str) -> int:
    quoted = False
    position = 0
    while position < len(line):
        char = line[position]
        if char == "\\" and line[position + 1 : position + 2] == '"':
            position += 1
        elif char == '"':
            quoted = not quoted
        elif char == " " and not quoted:
            return position
        position += 1
    raise ValueError("options without a key")


def _check_blob(kind: str, blob: str) -> None:
    try:
        data = binascii.a2b_base64(blob.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError(f"the {kind} key is not base64") from None
    # A blob is strings, each with its length in front (RFC 4251 5): the first is the type, and they fill the blob.
    position, count = 0, 0
    while position + 4 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        if count == 0 and data[4 : 4 + size] != kind.encode("ascii"):
            raise ValueError(f"the {kind} key's blob is of another type")
        position += 4 + size
        count += 1
    if kind.endswith("-cert-v01@openssh.com"):  # has numbers between its strings (PROTOCOL.certkeys)
        return
    if position != len(data) or count < 2:
        raise ValueError(f"the {kind} key is cut off")
