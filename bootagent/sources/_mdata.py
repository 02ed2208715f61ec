# SPDX-License-Identifier: Apache-2.0
"""The metadata protocol of SmartOS over a serial port: https://eng.tritondatacenter.com/mdata/protocol.html, version 2.

A frame is a line: ``V2 LENGTH CRC32 BODY``, the body of a question ``ID GET KEY``, of an answer ``ID SUCCESS VALUE`` or
``ID NOTFOUND``, key and value in base64.  All that is said ends at one deadline.
"""

from __future__ import annotations

import binascii
import fcntl
import os
import select
import termios
import time

from bootagent.errors import SourceError

MAX_LINE = 2 << 20  # bytes
QUIET = 0.1  # seconds without a byte: what somebody else asked for is over, protocol 3.1
AGAIN = 2.0  # seconds after which a host that says nothing is greeted anew


class Mdata:
    """A conversation with the host by the port ``path``, which messages call ``place``, until ``end``."""

    def __init__(self, path: str, place: str, end: float) -> None:
        self._place = place
        self._end = end
        self._buffer = b""
        self._number = 0
        try:
            self._port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise SourceError(place, error.strerror or str(error)) from error
        try:
            fcntl.lockf(self._port, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as mdata-client does
            _make_raw(self._port)
            self._greet()
        except (OSError, termios.error) as error:
            self.close()
            raise SourceError(place, str(error.args[-1]).lower()) from error
        except SourceError:
            self.close()
            raise

    def close(self) -> None:
        """Say no more."""
        os.close(self._port)

    def get(self, key: str) -> bytes | None:
        """The value of a key; ``None`` where the host has none."""
        self._number += 1
        identity = f"{self._number:08x}"
        encoded = binascii.b2a_base64(key.encode(), newline=False).decode()
        body = f"{identity} GET {encoded}"
        self._write(f"V2 {len(body)} {binascii.crc32(body.encode()):08x} {body}\n")
        line = self._read_line(self._end)
        if line is None:
            raise SourceError(self._place, f"no answer for {key} in time")
        answer = _open_frame(line)
        if answer is None or answer[0] != identity.encode():
            raise SourceError(self._place, f"no sound answer for {key}")
        return answer[1]

    def _greet(self) -> None:
        """Find the host's end of the line free and on version 2 of the protocol."""
        while self._read(time.monotonic() + QUIET):
            self._check_time()
        self._buffer = b""
        while True:
            self._write("\n")
            line = self._read_line(time.monotonic() + AGAIN)
            while line is not None and line != b"invalid command":
                line = self._read_line(time.monotonic() + AGAIN)
            if line is not None:
                break
            self._check_time()
        self._write("NEGOTIATE V2\n")
        if self._read_line(self._end) != b"V2_OK":
            raise SourceError(self._place, "the host does not speak version 2 of the protocol")

    def _check_time(self) -> None:
        if time.monotonic() >= self._end:
            raise SourceError(self._place, "the host does not answer")

    def _write(self, text: str) -> None:
        data = text.encode("ascii")
        while data:
            left = self._end - time.monotonic()
            if left <= 0 or not select.select([], [self._port], [], left)[1]:
                raise SourceError(self._place, "the host does not listen")
            data = data[os.write(self._port, data) :]

    def _read(self, until: float) -> bytes:
        left = min(until, self._end) - time.monotonic()
        if left <= 0 or not select.select([self._port], [], [], left)[0]:
            return b""
        return os.read(self._port, 65536)

    def _read_line(self, until: float) -> bytes | None:
        """The next line without its end; ``None`` if it does not come until then."""
        while b"\n" not in self._buffer:
            piece = self._read(until)
            if not piece:
                return None
            self._buffer += piece
            if len(self._buffer) > MAX_LINE:
                raise SourceError(self._place, f"a line of more than {MAX_LINE} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")


def _open_frame(line: bytes) -> tuple[bytes, bytes | None] | None:
    """The id of the question and the value, if there is one; ``None`` where it is no sound frame."""
    words = line.split(b" ", 3)
    if len(words) != 4 or words[0] != b"V2" or not words[1].isdigit() or int(words[1]) != len(words[3]):
        return None
    if words[2] != b"%08x" % binascii.crc32(words[3]):
        return None
    identity, code, *value = words[3].split(b" ")
    if code == b"NOTFOUND":
        return identity, None
    if code != b"SUCCESS" or len(value) > 1:
        return None
    try:
        return identity, binascii.a2b_base64(value[0]) if value else b""
    except binascii.Error:
        return None


def _make_raw(port: int) -> None:
    """Bytes as they are, in both directions: cfmakeraw(3)."""
    flags_in, flags_out, control, local, speed_in, speed_out, characters = termios.tcgetattr(port)
    flags_in &= ~(termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP)
    flags_in &= ~(termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON)
    flags_out &= ~termios.OPOST
    local &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    control = control & ~(termios.CSIZE | termios.PARENB) | termios.CS8 | termios.CREAD | termios.CLOCAL
    state = [flags_in, flags_out, control, local, speed_in, speed_out, characters]
    termios.tcsetattr(port, termios.TCSANOW, state)
