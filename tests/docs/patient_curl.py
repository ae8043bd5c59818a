"""Stands for curl in the blocks of documents: repeats what the service refused because the machine is busy.

A demo beside other tests sheds load (429, `overloaded`), which a reader's own machine does not. Everything else is
curl's, to the byte.
"""

import shutil
import subprocess
import sys
import time

TRIES, PAUSE_S = 10, 2.0
_AT_ONCE = {"-N", "--no-buffer", "-w", "--write-out"}  # a stream, or what a page itself asks curl to tell


def main(arguments: list[str], path: str) -> int:
    """Run curl, found on `path`, until the service takes the call. Its exit status."""
    curl = shutil.which("curl", path=path)
    if curl is None:
        sys.stderr.write("curl is not here\n")
        return 127
    if _AT_ONCE.intersection(arguments):
        return subprocess.call([curl, *arguments])
    for further in reversed(range(TRIES)):
        told = subprocess.run([curl, *arguments, "-w", "%{stderr}%{http_code}"], capture_output=True)
        status, errors = told.stderr[-3:], told.stderr[:-3]
        busy = status == b"429" and (b"overloaded" in told.stdout or not told.stdout)
        if not busy or not further:
            break
        time.sleep(PAUSE_S)
    sys.stdout.buffer.write(told.stdout)
    sys.stderr.buffer.write(errors)
    return told.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], sys.argv[1]))
