"""``python -m selfloop``: the command where its script is not on the path."""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
