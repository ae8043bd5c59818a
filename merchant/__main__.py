"""`python -m merchant` is the `merchant` command."""

from merchant.cli.main import main

if __name__ == "__main__":
    main()
