# SPDX-License-Identifier: Apache-2.0
"""The network by which a service is asked that will say what the network is to be.

Where there is DHCP the fallback does it.  Where there may be none (DigitalOcean), the first NIC gets a link-local IPv4
address beside it, RFC 3927.
"""

from __future__ import annotations

from bootagent.model.ip import IPAddress, IPInterface
from bootagent.model.network import Address, Addressing, Link, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bootagent.host import Host, Nic

LINK_LOCAL = "169.254.0.0/16"
FIRST, HOSTS = (
    0x100,
    0xFE00 - 1,
)  # the first and the last 256 addresses are reserved (RFC 3927 2.1); 254 is the service's


def provide_network(source: str, needs: str, host: Host, fallback: str) -> Network:
    """What the first NIC needs beyond the ``fallback`` so that ``source`` can be asked, with a network as it
    ``needs``; nothing where the fallback will do.
    """
    nics = sorted(host.nics, key=lambda nic: (len(nic.name), nic.name))
    if not nics or needs == "socket" or (needs == "dhcp" and fallback == "dhcp"):
        return Network()
    origin = f"the service {source}"
    own = (Address(_link_local(nics[0]), origin),) if needs == "link-local" else ()
    addressing = Addressing(addresses=own, dhcp4=True, slaac=True)
    return Network((Link("first", mac=nics[0].mac, addressing=addressing, origin=origin),))


def _link_local(nic: Nic) -> IPInterface:
    """An address that stays the NIC's own and is nobody else's by chance: of the last three octets of its MAC."""
    octets = bytes.fromhex(nic.mac.replace(":", ""))[-3:]
    number = FIRST + int.from_bytes(octets, "big") % HOSTS
    if number == 0xA9FE:  # 169.254.169.254
        number += 1
    return IPInterface(IPAddress(4, 0xA9FE0000 + number), 16)
