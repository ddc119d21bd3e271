"""Makes ``python -m trio_calls`` the command ``trio-calls``."""

from __future__ import annotations

import sys

from trio_calls.cli import main

if __name__ == "__main__":
    sys.exit(main())
