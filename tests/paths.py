"""Where tests find the project and its test data."""

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
VECTORS = TESTS / "vectors"
