# SPDX-License-Identifier: Apache-2.0
"""Connect to a machine as soon as it listens, and hand the connection to ssh: its ProxyCommand, with ProxyUseFdpass.

A program of its own. ssh is under way before the machine is, and no connection is made only to see whether one can be:
each would cost the emulated machine an sshd. ``python3 connect.py SOURCE_ADDRESS ADDRESS PORT``.
"""

from __future__ import annotations

import socket
import sys
import time

INTERVAL_S = 0.05
# A machine without its address answers nothing at all; one that has it answers within a millisecond or two.
PATIENCE_S = 0.1


def connect(source: str, address: str, port: int) -> socket.socket:
    """The connection; tries until there is one."""
    while True:
        begun = time.monotonic()
        try:
            return socket.create_connection((address, port), PATIENCE_S, (source, 0))
        except OSError:
            time.sleep(max(0.0, begun + INTERVAL_S - time.monotonic()))


def main() -> None:
    """ssh takes the connection from what is this program's standard output."""
    connection = connect(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    # ssh gets a socket that blocks.
    connection.settimeout(None)
    with socket.socket(fileno=1) as ssh:
        socket.send_fds(ssh, [b"\0"], [connection.fileno()])


if __name__ == "__main__":
    main()
