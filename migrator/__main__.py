"""`python -m migrator` and the console script."""

from migrator.cli.main import main

if __name__ == "__main__":
    main()
