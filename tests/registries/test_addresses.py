"""Which addresses may be connected to, whatever way they are written or resolved."""

from ipaddress import ip_address

import pytest

from registries.addresses import AllowedAddresses, never
from registries.oci.errors import ReferenceFormatError, RegistryError
from registries.pinning import Allowance, GuardedSockets, resolve

NONE = AllowedAddresses.parse([])
EVERYTHING = AllowedAddresses.parse(["0.0.0.0/0", "::/0", "host:5000"])


class Sockets:
    """Notes where a connection was made to, and makes none."""

    def __init__(self):
        self.connected = []

    def connect_tcp(self, address, port, timeout):
        self.connected.append((address, port))


def connect(host, *answers, allowed=(), port=5000):
    """The places connected to when a name resolves to each answer in turn."""
    remaining = list(answers)
    sockets = Sockets()
    resolver = lambda name, number: remaining.pop(0) if remaining else resolve(name, number)  # noqa: E731
    guard = GuardedSockets(AllowedAddresses.parse(allowed), resolver, sockets)
    for _ in answers or [None]:
        guard.connect(host, port, Allowance(lambda: 0.0, 5))
    return sockets.connected


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "192.0.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::"]
)
def test_public_addresses_need_no_permission(address):
    assert NONE.refusal("host", 443, ip_address(address)) == ""


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1.1.1.1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:db8::1",
        "3fff::1",
        "100::1",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:10.0.0.1",
        "5f00::1",
        "4000::1",
    ],
)
def test_private_addresses_need_permission_in_every_disguise(address):
    assert "is not a public address" in NONE.refusal("host", 5000, ip_address(address))
    assert EVERYTHING.refusal("host", 5000, ip_address(address)) == ""


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fe80::1%eth0",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "255.255.255.255",
        "224.0.0.1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2606:4700::5efe:169.254.169.254",
        "2001:0:a9fe:a9fe::1",
        "2001::1",
    ],
)
def test_metadata_and_link_local_addresses_are_opened_by_no_setting(address):
    for allowed in (NONE, EVERYTHING, AllowedAddresses.parse(["169.254.169.254:80", "169.254.169.254/32", "::/0"])):
        for host in ("host", "169.254.169.254"):
            assert "never contacts" in allowed.refusal(host, 5000, ip_address(address))


@pytest.mark.parametrize(
    "entry",
    [
        "169.254.169.254",
        "169.254.169.254:80",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe:5000",
        "169.254.43518",
        "[fe80::1]:5000",
        "[::ffff:169.254.169.254]",
        "0.0.0.0:5000",
        "169.254.0.0/16",
        "169.254.169.254/32",
        "::ffff:169.254.0.0/112",
        "224.0.0.0/8",
        "fe80::/64",
    ],
)
def test_what_is_never_contacted_is_known_before_it_is_tried(entry):
    assert entry in never(entry)
    assert "Signboard never contacts" in never(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "registry.test", "registry.test:5000", "localhost:5000", "10.0.0.1", "10.0.0.1:5000", "127.0.0.1:5000", "[::1]:80",
        "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "168.63.0.0/16", "169.254.169.254.nip.test",
    ],
)  # fmt: skip
def test_what_may_be_contacted_is_not_refused_beforehand(entry):
    assert never(entry) == ""


def test_permission_is_for_exactly_the_host_and_port_or_the_network():
    allowed = AllowedAddresses.parse(["Registry.Internal:5000", "10.1.0.0/16", "[::1]:5001", "192.168.7.7"])

    def may(host, port, address):
        return not allowed.refusal(host, port, ip_address(address))

    assert may("registry.internal", 5000, "192.168.1.1")
    assert may("registry.internal.", 5000, "192.168.1.1")
    assert not may("registry.internal", 5001, "192.168.1.1")
    assert not may("x.registry.internal", 5000, "192.168.1.1")
    assert may("any", 1, "10.1.255.1")
    assert may("any", 1, "::ffff:10.1.2.3")
    assert not may("any", 1, "10.2.0.1")
    assert may("::1", 5001, "::1")
    assert not may("::1", 5002, "::1")
    assert may("any", 1, "192.168.7.7")
    assert not may("any", 1, "192.168.7.8")


@pytest.mark.parametrize(
    "entry", ["", "host", "host:", ":5000", "host:0", "10.0.0.0/33", "https://host:1", "a b:1", "*:5000"]
)
def test_a_permission_that_names_no_place_is_refused(entry):
    with pytest.raises(ReferenceFormatError, match="neither host:port nor a network"):
        AllowedAddresses.parse([entry])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.1", "::1", "::ffff:127.0.0.1", "0"],
)
def test_every_spelling_of_this_machine_is_refused(host):
    with pytest.raises(RegistryError, match="was not contacted") as caught:
        connect(host)
    assert caught.value.code == "forbidden_address"


def test_the_address_that_was_checked_is_the_one_connected_to():
    assert connect("registry.test", ["1.1.1.1"]) == [("1.1.1.1", 5000)]


def test_a_name_that_resolves_elsewhere_the_second_time_is_refused_then():
    places = []
    with pytest.raises(RegistryError):
        places = connect("registry.test", ["1.1.1.1"], ["127.0.0.1"])
    assert places == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"])
def test_one_forbidden_address_among_several_refuses_them_all(address):
    with pytest.raises(RegistryError) as caught:
        connect("registry.test", ["1.1.1.1", address])
    assert caught.value.code == "forbidden_address"


def test_the_refusal_says_what_to_allow():
    with pytest.raises(RegistryError, match=r"allow registry\.test:5000 \(or its network\) on this connection"):
        connect("registry.test", ["10.0.0.1"])
    assert connect("registry.test", ["10.0.0.1"], allowed=["registry.test:5000"]) == [("10.0.0.1", 5000)]


def test_a_name_that_does_not_resolve_is_unreachable():
    def unknown(name, port):
        raise OSError(-2, "Name or service not known")  # its text begins with [Errno -2]

    guard = GuardedSockets(NONE, unknown, Sockets())
    with pytest.raises(RegistryError, match=r"cannot be resolved \(Name or service not known\)\. Check") as caught:
        guard.connect("nowhere.test", 443, Allowance(lambda: 0.0, 5))
    assert caught.value.code == "unreachable"
