"""`python -m s30.cli`."""

import sys

from s30.cli import main

if __name__ == "__main__":
    sys.exit(main())
