# SPDX-License-Identifier: Apache-2.0
"""The first SSH login with the injected key, tried from outside from power-on until it works."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from typing_extensions import Self

from tests.vm import network as outside

from . import drive

if TYPE_CHECKING:
    from .drive import Instance

CONNECT = pathlib.Path(__file__).with_name("connect.py")
OPTIONS = (
    *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "IdentitiesOnly=yes"),
    *("IdentityAgent=none", "LogLevel=ERROR", "ProxyUseFdpass=yes"),
)
RETRY_S = 0.05


class Login:
    """Logs in as root again and again until it is let in; a context manager that leaves no process behind.

    The source address is one behind the machine's router: an answer needs its default route too.
    """

    def __init__(self, network: outside.Network, instance: Instance) -> None:
        proxy = f"{sys.executable} {CONNECT} {outside.WORLD_V4} %h %p"
        options = [word for option in (*OPTIONS, f"ProxyCommand={proxy}") for word in ("-o", option)]
        self._command = ["ip", "netns", "exec", network.namespace, "ssh", "-F", "/dev/null", "-i", str(instance.key)]
        self._command += [*options, f"root@{drive.ADDRESS}", "id -u"]
        self._process: subprocess.Popen[str] | None = None
        self._done = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._try)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        while self._thread.is_alive():
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._thread.join(RETRY_S)

    def wait(self, timeout: float) -> bool:
        """Whether it was let in, now or within so many seconds."""
        return self._done.wait(timeout)

    def _try(self) -> None:
        while not self._over.is_set():
            # A session of its own: the ProxyCommand is to end with it.
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            output, _ = self._process.communicate()
            if output == "0\n":
                self._done.set()
                return
            self._over.wait(RETRY_S)
