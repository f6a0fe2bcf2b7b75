"""Asking a company's identity provider who somebody is: OpenID Connect Core 1.0, the authorization code flow with PKCE.

The protocol is small and every sentence of it is a lock, so it stands here to be read; only signatures are joserfc's
(extra `oidc`). What a provider says reaches neither people nor logs: `troubles` says it in our words.
"""
