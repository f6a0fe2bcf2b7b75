"""`python -m kleanxmpp.cli`: the same as the console script `kleanxmpp`."""

import sys

from kleanxmpp.cli import main

if __name__ == "__main__":
    sys.exit(main())
