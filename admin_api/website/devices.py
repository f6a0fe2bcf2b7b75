"""Which apps there are for which device, what a device is called, and what an app reads from a QR code. Pure.

The QR code holds what Conversations and Monal read when they set an account up (decision 37). It is no address that a
phone opens, so its camera alone does nothing with it.
"""

import json
from enum import StrEnum


class Device(StrEnum):
    """What somebody wants to chat on."""

    ANDROID = "android"
    IOS = "ios"
    COMPUTER = "computer"

    @property
    def label(self) -> str:
        """What it is called in the list of a person's devices."""
        return {Device.ANDROID: "Android", Device.IOS: "iPhone", Device.COMPUTER: "Computer"}[self]


def of_browser(user_agent: str) -> Device:
    """Guess what a browser runs on. New iPads say that they are computers."""
    if "Android" in user_agent:
        return Device.ANDROID
    return Device.IOS if any(word in user_agent for word in ("iPhone", "iPad", "iPod")) else Device.COMPUTER


def account_code(*, jid: str, password: str) -> str:
    """Return what an app reads to set an account up."""
    return json.dumps({"protocol": "xmpp", "address": jid, "password": password}, separators=(",", ":"))
