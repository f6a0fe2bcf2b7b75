"""SCIM 2.0 at /scim/v2: identity providers keep people and groups up to date. See docs/scim.md.

The protocol is scim2-server's; what is here is our directory as its storage, and what identity providers really send.
"""
