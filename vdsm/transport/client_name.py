"""Does the name in a client's certificate belong to the address that it comes from? Asked when configured only.

The common name must be the peer's address, or a name or alias that the address resolves to, or resolve to the address
itself. Peers on the loopback pass. (oVirt's `verify_client_cert`, off by default.)
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket

from vdsm.common.context import Peer

log = logging.getLogger(__name__)

Names = frozenset[str]


async def owns_its_name(peer: Peer, seconds: float) -> bool:
    """Whether `peer` may use its certificate from where it is; a name service that does not answer in time says no."""
    address = peer.address.rpartition(",")[0]
    if ipaddress.ip_address(address).is_loopback or peer.subject == address:
        return True
    try:
        async with asyncio.timeout(seconds):
            known = await asyncio.to_thread(_blocking_names, address)
    except TimeoutError:
        log.warning("The names of %s could not be looked up in %.0f s", address, seconds)
        return False
    return peer.subject.lower() in known


def _blocking_names(address: str) -> Names:
    try:
        name, aliases, addresses = socket.gethostbyaddr(address)
    except OSError as error:
        log.info("%s has no name: %s", address, error)
        return frozenset()
    return frozenset(known.lower() for known in (name, *aliases, *addresses))
