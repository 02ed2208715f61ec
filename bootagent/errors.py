# SPDX-License-Identifier: Apache-2.0
"""Every error that bootagent raises on purpose, and the exit code of each.

::

    BootagentError                 1
      UsageError                   2   the command line or the options file
      SourceError                  3   .place        a drive or service that cannot be read
        MediaError                 3   .place        bytes that cannot be read as a file system
          NoVolumeError            3   .place        a disk that has none of ours, or no medium
      DocumentError                4   .document .where   a document that cannot be parsed at all
      PlanConflict                 5   .path         two planners want one path
      CommitError                  6   .path         a file that could not be written
      BusyError                    7   .path         another bootagent holds the lock
      ImageError                   8   .tree         an image that could not boot right with the agent in it

A message names the place first, is lower case, and never holds a secret.
"""

from __future__ import annotations


class BootagentError(Exception):
    """Base of all; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(BootagentError):
    """An option that does not exist or has a value that cannot be."""

    exit_code = 2


class SourceError(BootagentError):
    """A source that is there and cannot be read."""

    exit_code = 3

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.reason = message


class ChangedError(SourceError):
    """A service that described another instance, or this one otherwise, while it was asked: its answers do not fit."""


class MediaError(SourceError):
    """A drive, or an image of one, whose bytes cannot be read as a file system."""


class NoVolumeError(MediaError):
    """A disk with no file system that we read, or without a medium: nothing is wrong with it."""


class DocumentError(BootagentError):
    """A document that is broken as a whole; what is broken in one place is a ``Problem``."""

    exit_code = 4

    def __init__(self, document: str, where: str, message: str) -> None:
        super().__init__(f"{document}: {where}: {message}" if where else f"{document}: {message}")
        self.document = document
        self.where = where


class PlanConflict(BootagentError):
    """Two planners that disagree on one path."""

    exit_code = 5

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: two planners want different content")
        self.path = path


class CommitError(BootagentError):
    """A change to the machine that failed; the ``OSError`` is its cause."""

    exit_code = 6

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class BusyError(BootagentError):
    """Another bootagent is at work on the same root."""

    exit_code = 7

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class ImageError(BootagentError):
    """An image that the agent cannot serve; nothing in it was changed."""

    exit_code = 8

    def __init__(self, tree: str, message: str) -> None:
        super().__init__(f"{tree}: {message}")
        self.tree = tree
