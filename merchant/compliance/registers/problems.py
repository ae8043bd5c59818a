"""What only an operator can solve about a register's file: told by the command in a sentence."""

from merchant.core.errors import OperatorProblem


class LeiFileShrank(OperatorProblem):
    """The file holds less than half of what the one before it held."""


class NoLeiRecords(OperatorProblem):
    """Nothing in the file is to be kept."""
