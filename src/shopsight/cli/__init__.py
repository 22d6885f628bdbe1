"""The command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of ``shopsight``: exit code 0, 1 (failed), 2 (usage), 130 (interrupted)."""
    from shopsight.cli.app import app
    from shopsight.errors import ShopsightError

    try:
        app()
    except ShopsightError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output, such as `head`, has had enough
        sys.stderr.close()
        sys.exit(0)
