"""Whose request it is behind proxies: the last address that no trusted proxy has (docs/adr/0041)."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
# More hops than any chain of proxies has; the rest is somebody's invention.
MAX_HOPS = 20


def networks(text: str) -> tuple[Network, ...]:
    """Return networks written `10.0.0.0/8, ::1`; raise ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class Proxies:
    """The proxies whose word about their clients is believed; nobody's else is."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(4096)(self._look)

    def _look(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._trusted)

    def trusts(self, peer: str) -> bool:
        """Tell whether whoever is connected is a proxy that is believed."""
        return bool(self._trusted) and self._is_trusted(peer)

    def client(self, peer: str, forwarded: str) -> str:
        """Return the client of a request that a trusted peer passed on with this header.

        Each proxy adds whom it heard from at the end, so the list is read from there; what stands
        before the first address that is no proxy of ours is the client's own word.
        """
        found = peer
        for hop in reversed(forwarded.split(",")[-MAX_HOPS:]):
            address = _plain(hop.strip())
            if address is None:
                return found
            found = address
            if not self._is_trusted(address):
                return found
        return found


def _plain(hop: str) -> str | None:
    """Return an address without port and brackets; None where it is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ip_address(hop))
    except ValueError:
        return None
