"""What a browser runs on, and what an app reads from a QR code."""

import json

import pytest

from admin_api.website import devices
from admin_api.website.devices import Device


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "android"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0", "android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "ios"),
        ("Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15", "ios"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0", "computer"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", "computer"),
        ("", "computer"),
    ],
)
def test_what_a_browser_runs_on(user_agent: str, device: str) -> None:
    assert devices.of_browser(user_agent) is Device(device)


def test_an_app_reads_address_and_password_and_a_camera_finds_nothing_to_open() -> None:
    code = devices.account_code(jid="aylin@firma.test", password="7k3m-9qxt")
    assert json.loads(code) == {"protocol": "xmpp", "address": "aylin@firma.test", "password": "7k3m-9qxt"}
    assert not code.startswith(("xmpp:", "http"))
