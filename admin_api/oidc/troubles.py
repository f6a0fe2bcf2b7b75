"""What can go wrong with an identity provider. Messages are ours, for the log; never what the provider said."""


class Trouble(Exception):
    """Nobody can be signed in by this answer."""


class Away(Trouble):
    """The provider does not answer, or says that it cannot at the moment."""


class Declined(Trouble):
    """The person, or the provider's rules, said no."""


class Unconfirmed(Trouble):
    """The provider does not vouch for the person's e-mail address."""


class Untrusted(Trouble):
    """What came is not what this provider would say to us about this attempt, or the settings do not fit it."""


class UnknownKey(Untrusted):
    """No key that the provider was known to have fits; it may have new ones."""
