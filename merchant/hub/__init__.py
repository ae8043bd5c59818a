"""The hub: port.py has what is said on any wire, and each wire a package."""
