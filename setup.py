# SPDX-License-Identifier: Apache-2.0
"""The one place of the project's metadata; pyproject.toml holds the build system and the tools."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

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
        (
            "lib/systemd/system",
            ["systemd/bootagent.service", "systemd/bootagent-ifupdown.service", "systemd/bootagent-unchanged.service",
             "systemd/bootagent-hostkeys.service"],
        ),
        ("share/bootagent/openrc", ["openrc/bootagent"]),
    ],
    # netifaces2 is the maintained distribution of the module netifaces; Linux distributions package netifaces itself.
    install_requires=["pyudev", "PyYAML", "netifaces2"],
    extras_require={
        "test": [
            *("docutils", "hypothesis", "mypy", "pytest", "pytest-xdist", "ruff", "types-docutils", "types-PyYAML"),
        ]
    },
    entry_points={"console_scripts": ["bootagent = bootagent.cli:run"]},
)
