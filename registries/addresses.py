"""Which addresses Signboard may connect to: public ones, and others only where an operator named them.

Python's `is_global` alone will not do: it is true of IPv6 addresses that carry 127.0.0.1 inside.
"""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from registries.oci.errors import ReferenceFormatError
from registries.oci.reference import is_registry_name

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Cloud metadata services hand out credentials to whoever asks from inside: no setting opens these.
NEVER: tuple[Network, ...] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "169.254.0.0/16",  # link-local: AWS, Azure, GCP, OpenStack and others
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure
            "192.0.0.192/32",  # Oracle
            "224.0.0.0/4",
            "255.255.255.255/32",
            "::/128",
            "fe80::/10",
            "fd00:ec2::/32",  # AWS
            "fd20:ce::254/128",  # GCP
            "ff00::/8",
        ),
    )
)
NEVER_CONTACTED = "is a metadata, link-local or multicast address, which Signboard never contacts"
NEVER_OPENED = "has metadata, link-local or multicast addresses only, which Signboard never contacts"
_NOT_PUBLIC: tuple[Network, ...] = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))
_PUBLIC_IPV6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = ip_network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """The private and loopback places that a connection may reach."""

    networks: tuple[Network, ...] = ()
    places: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Entries are exact `host:port`, an address, or a network such as 10.0.0.0/8."""
        networks: list[Network] = []
        places: set[tuple[str, int]] = set()
        for entry in entries:
            text = entry.strip()
            try:
                networks.append(ip_network(text, strict=False))
                continue
            except ValueError:
                pass
            host, _, port = text.rpartition(":")
            if not is_registry_name(text) or not host or not port.isdigit():
                raise ReferenceFormatError(
                    f"{text[:100]!a} is neither host:port nor a network such as 10.0.0.0/8", code="allowed_address"
                )
            places.add((_plain_host(host), int(port)))
        return cls(tuple(networks), frozenset(places))

    def refusal(self, host: str, port: int, address: Address) -> str:
        """Why a connection to this address of that host is refused; empty if it is not."""
        if any(_is_never(meant) for meant in meanings(address)):
            return f"{address} {NEVER_CONTACTED}"
        if (_plain_host(host), port) in self.places:
            return ""
        for meant in meanings(address):
            if not is_public(meant) and not any(meant in network for network in self.networks):
                place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                return (
                    f"{address} is not a public address. "
                    f"If that is right, allow {place} (or its network) on this connection"
                )
        return ""


def meanings(address: Address) -> tuple[Address, ...]:
    """The address and every IPv4 address that it carries inside, which some gateway may connect to instead."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    number = int(address)
    low = IPv4Address(number & 0xFFFFFFFF)
    if address.sixtofour:
        return (address, address.sixtofour)
    if address.teredo:
        return (address, *address.teredo)
    if address in _IPV4_COMPATIBLE and number > 1:
        return (address, low)
    if address in _NAT64 or address in _LOCAL_NAT64 or (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return (address, low)
    return (address,)


def never(entry: str) -> str:
    """Why no setting opens an address, `host:port` or network, as far as it says so without being resolved; or empty."""
    text = entry.strip()
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        address = _literal(text)
        return f"{text} {NEVER_CONTACTED}" if address and any(map(_is_never, meanings(address))) else ""
    ends = meanings(network[0]), meanings(network[-1])
    within = any(all(any(meant in closed for meant in end) for end in ends) for closed in NEVER)
    if not within:
        return ""
    return f"{text} {NEVER_CONTACTED if network.num_addresses == 1 else NEVER_OPENED}"


def _literal(text: str) -> Address | None:
    """The address that a host (and port) is, in every spelling that the system's resolver takes."""
    before, _, port = text.rpartition(":")
    host = _plain_host(before if before and port.isascii() and port.isdigit() else text)
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))  # 2852039166, 0xa9fea9fe, 169.254.43518
    except (OSError, ValueError):
        return None


def _is_never(address: Address) -> bool:
    return any(address in network for network in NEVER)


def is_public(address: Address) -> bool:
    """Whether an address by itself lies in the public Internet."""
    if isinstance(address, IPv6Address) and not (address in _PUBLIC_IPV6 or address in _NAT64):
        return False
    if address.is_multicast or any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global or (isinstance(address, IPv6Address) and address.sixtofour is not None)


def parse_address(text: str) -> Address:
    """The address in a resolver's answer."""
    return ip_address(text)


def _plain_host(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()
