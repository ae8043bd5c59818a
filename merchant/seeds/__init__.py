"""What an installation starts from: the scheme's row and its first operator, and the data files of the demo."""
