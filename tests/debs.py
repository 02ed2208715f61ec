# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian packages that must not be installed here: fetched by apt-get, and unpacked in a cache."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "bootagent-tests"


def unpacked(*packages: str) -> pathlib.Path:
    """The directory with the files of all ``packages``, in the version of the first that apt-get would install."""
    lacking = [name for name in ("apt-get", "apt-cache", "dpkg-deb") if shutil.which(name) is None]
    assert not lacking, f"missing tools: {', '.join(lacking)}"
    policy = subprocess.run(["apt-cache", "policy", packages[0]], check=True, capture_output=True, text=True).stdout
    version = policy.partition("Candidate: ")[2].partition("\n")[0].strip()
    assert version, f"missing tools: apt-get knows no package {packages[0]}"
    place = CACHE / f"{packages[0]}-{version.replace(':', '_')}"
    if not place.exists():
        scratch = place.with_name(f"{place.name}.{os.getpid()}")
        scratch.mkdir(parents=True)
        fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages]
        subprocess.run(fetch, cwd=scratch, check=True)
        for package in scratch.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(scratch)], check=True)
        scratch.rename(place)
    return place
