"""The hands: XMPP in, XMPP out, and the `Server` port on ejabberd."""
