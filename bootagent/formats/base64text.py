# SPDX-License-Identifier: Apache-2.0
"""Base64 (RFC 4648 4), strictly, but for white space anywhere: the decoders of Python skip whatever is not theirs."""

from __future__ import annotations

from binascii import a2b_base64

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def parse_base64(text: bytes) -> bytes:
    """What the text encodes; ``ValueError``, which never shows any of it, where it is not base64."""
    text = b"".join(text.split())
    rest = text.translate(None, _ALPHABET)
    if len(text) % 4 or rest not in (b"", b"=", b"==") or not text.endswith(rest):
        raise ValueError("not base64")
    return a2b_base64(text)
