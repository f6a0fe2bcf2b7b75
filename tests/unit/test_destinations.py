"""Which addresses messages may go to."""

import ipaddress

import pytest

from kleanxmpp import destinations, errors
from kleanxmpp.destinations import NOBODY, allowed_of, checked_url, is_public, may_connect

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "1.1.1.1",
    "2606:4700::1111",
    "2a01:4f8::1",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]
NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1",
    "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "100::1", "3fff::1", "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_of_the_open_internet_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_no_other_address_is_public_nor_may_be_connected_to(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))
    assert not may_connect(ipaddress.ip_address(text), allowed=NOBODY)


def test_only_what_the_settings_name_is_allowed_besides() -> None:
    allowed = allowed_of(["10.1.0.0/16", "192.168.7.7", "fd00::/8", " Hooks.Intern. "])
    for text, may in (("10.1.2.3", True), ("10.2.0.1", False), ("192.168.7.7", True), ("fd12::1", True)):
        assert may_connect(ipaddress.ip_address(text), allowed=allowed) is may
    assert not may_connect(ipaddress.ip_address("::ffff:10.2.0.1"), allowed=allowed)
    assert allowed.has_host("hooks.intern") and allowed.has_host("HOOKS.intern.") and allowed.has_host("10.1.0.9")
    assert not allowed.has_host("other.hooks.intern") and not allowed.has_host("10.2.0.9")


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "10.0.0.1/8", "http://intern", "intern:80", "1.2.3", "in tern"])
def test_settings_that_name_nothing_are_refused(text: str) -> None:
    with pytest.raises(errors.Invalid):
        allowed_of([text])


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.org/hooks",
        "https://app.example.org:8443/a?b=c",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]:1/x",
        "https://xn--mller-kva.example/",
    ],
)
def test_https_to_a_host_is_a_destination(url: str) -> None:
    assert checked_url(url, allowed=NOBODY) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.org/", "ftp://app.example.org/", "//app.example.org/", "https://", "https:///x", "app",
        "https://user@app.example.org/", "https://user:secret@app.example.org/", "https://app.example.org/#part",
        "https://app.example.org\\@10.0.0.1/", "https://app.example.org/ x", "https://app.example.org/\n",
        "https://müller.example/", "https://app.example.org:99999/", "https://[::1/", "https://" + "a" * 2000,
        "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_anything_else_is_refused_before_it_is_kept(url: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        checked_url(url, allowed=NOBODY)
    assert refused.value.field == "url"
    assert "secret" not in str(refused.value)


def test_plain_http_goes_only_to_what_the_settings_name() -> None:
    allowed = allowed_of(["127.0.0.0/8", "hooks.intern"])
    for url in ("http://127.0.0.1:8080/x", "http://hooks.intern/x", "https://127.0.0.1/x"):
        assert checked_url(url, allowed=allowed) == url
    with pytest.raises(errors.Invalid, match="https"):
        checked_url("http://app.example.org/", allowed=allowed)


def test_the_longest_address_is_the_one_the_api_takes() -> None:
    url = "https://app.example.org/"
    assert checked_url(url + "x" * (destinations.LONGEST_URL - len(url)), allowed=NOBODY)
