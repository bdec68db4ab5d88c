"""`python -m migrator` and the console script."""

import sys

#: `ExitCode.INTERRUPTED`, which is not there yet.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported is no traceback either."""
    try:
        from migrator.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
