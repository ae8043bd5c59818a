"""The `merchant` command, one file a command group; each command imports what it needs when it runs."""
