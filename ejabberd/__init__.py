"""Everything that is specific to ejabberd: configuration, login program, client of its HTTP API, launcher.

Nothing is imported here: `python -m ejabberd.extauth` is started by ejabberd several times and must be
up in milliseconds.
"""
