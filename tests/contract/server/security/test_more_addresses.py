"""Where channels may not lead, however it is written."""

from __future__ import annotations

import pytest

from interact_gitops.notify.addresses import NotAllowed, is_open, literal_fault, look_up

INTERNAL = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200",
    "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "168.63.129.16", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "feff::1", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1",
    "::ffff:168.63.129.16", "64:ff9b::7f00:1", "64:ff9b::a83f:8110", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_not_sent_to(address):
    assert not is_open(address)
    with pytest.raises(NotAllowed):
        look_up("https://example.com/", (), seconds=1, resolve=lambda *_: ["93.184.215.14", address])
    host = f"[{address}]" if ":" in address else address
    assert "%" in address or literal_fault(f"https://{host}/", ()) is not None


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_others_are(address):
    assert is_open(address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "localhost.", "a.localhost"]
)
def test_other_ways_of_writing_this_machine_lead_nowhere(host):
    with pytest.raises(NotAllowed):
        look_up(
            f"https://{host}/", (), seconds=2, resolve=None if "localhost" not in host else lambda *_: ["127.0.0.1"]
        )
