"""`python -m samband.connectors …` is the command line `samband …`."""

import sys

from samband.connectors.cli import main

if __name__ == "__main__":
    sys.exit(main())
