# SPDX-License-Identifier: Apache-2.0
"""The one place of the project's metadata; pyproject.toml holds the build system and the tools."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def below(directory, target, pattern="*"):
    """What is installed from a directory of the checkout, modes included: each of its directories, and the files."""
    files = {}
    for path in sorted((HERE / directory).rglob(pattern)):
        if path.is_file() and "__pycache__" not in path.parts:
            place = path.parent.relative_to(HERE / directory)
            files.setdefault(f"{target}/{place}" if place.parts else target, []).append(str(path.relative_to(HERE)))
    return list(files.items())


setup(
    name="bootagent",
    version=re.search(r'__version__ = "(.+)"', (HERE / "bootagent/__init__.py").read_text(encoding="utf-8"))[1],
    description="First-boot agent for VM and bare-metal images: network, SSH keys and host name from the cloud",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    license="Apache-2.0",
    python_requires=">=3.9",
    packages=find_packages(include=["bootagent", "bootagent.*"]),
    package_data={"bootagent": ["unchanged.sh"], "bootagent.demo": ["drive/openstack/latest/*.json"]},
    data_files=[
        *below("systemd", "lib/systemd/system", "*.service"),
        *below("systemd", "lib/systemd/system-preset", "*.preset"),
        *below("udev", "lib/udev/rules.d"),
        *below("openrc", "share/bootagent/openrc"),
        *below("dracut", "lib/dracut/modules.d"),
        *below("elements", "share/bootagent/elements"),
    ],
    # netifaces2 is the maintained distribution of the module netifaces; Linux distributions package netifaces itself.
    install_requires=["PyYAML", "netifaces2"],
    extras_require={
        "test": [
            "diskimage-builder",
            *("build", "docutils", "hypothesis", "mypy", "pytest", "pytest-xdist", "ruff"),
            *("types-docutils", "types-PyYAML"),
        ]
    },
    entry_points={"console_scripts": ["bootagent = bootagent.cli:run"]},
)
