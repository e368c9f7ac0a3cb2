"""Which addresses are those of hosts on the public internet; pure."""

import ipaddress

# The only IPv6 addresses that lead to a host of the public internet, whatever else is in use.
_GLOBAL = ipaddress.IPv6Network("2000::/3")
# What is no public host although some table calls it global, or a host that is not a stranger's.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # What a cloud's host answers with its secrets to its guests.
        "168.63.129.16/32",
        # Teredo, benchmarks, ORCHID and the rest of what is set aside for protocols; 6to4.
        *("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48"),
    )
)


def is_public(address: str) -> bool:
    """Tell whether an address is that of a host on the public internet, and of nothing else.

    No address that carries another is: IPv4 within IPv6 (mapped, compatible, NAT64, 6to4, Teredo)
    leads wherever the other does.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and (found.scope_id or found not in _GLOBAL):
        return False
    if found.is_multicast or not found.is_global:
        return False
    return not any(found.version == block.version and found in block for block in _NOT_PUBLIC)
