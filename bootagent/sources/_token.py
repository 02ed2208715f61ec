# SPDX-License-Identifier: Apache-2.0
"""Sessions of services that answer to a token only: whoever can make a machine send a GET for them gets nothing."""

from __future__ import annotations

from bootagent.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.sources._http import Http

SECONDS = "300"  # for which the token is good: a boot's questions take less


def fetch_token(http: Http, path: str, lifetime: str, header: str) -> dict[str, str]:
    """The ``header`` that each question needs, asked for with a PUT that says its ``lifetime``; it is a secret."""
    raw = http.put(path, {lifetime: SECONDS}) or b""
    token = raw.decode("ascii", "replace").strip()
    if not token.isascii() or not token.isprintable() or not 1 <= len(token) <= 4096 or " " in token:
        raise SourceError(f"{http.place}{path}", "no token: this is not the service that it should be")
    return {header: token}
