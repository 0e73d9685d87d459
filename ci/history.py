"""Show on real releases what ``tests/history`` reconstructs: ``python ci/history.py [VERSION ...]``.

Every list ``ci/overlays/transformers-VERSION.txt`` is installed, once, into a folder of its own in the user's
cache. A list names what a release needs in another version than later ones do, as its tokenizers and the
client of its hub; nothing is added to it, and torch and all else are those of the running Python. A process
over each folder (``ci/history_probe.py``) prints its verdicts. Not part of ``make test``: it needs a package
registry and takes minutes.
"""

import json
import subprocess
import sys
from pathlib import Path

from scanproof.adapters.overlay import overlay, run_over
from scanproof.errors import MissingDependency

HERE = Path(__file__).parent
SECONDS = 600.0


def main(versions: list[str]) -> int:
    """Print the table of verdicts, a column a version.

    Returns:
        1 where something could not be run, 2 where a version is unknown.
    """
    lists = (HERE / "overlays").glob("transformers-*.txt")
    chosen = {path.stem.removeprefix("transformers-"): path for path in lists}
    known = sorted(chosen, key=lambda version: [int(part) for part in version.split(".")])
    wanted = versions or known
    if unknown := [version for version in wanted if version not in known]:
        print(f"There is no list for {', '.join(unknown)}; give {', '.join(known)}.", file=sys.stderr)
        return 2
    columns: dict[str, dict[str, str]] = {}
    failed = False
    for version in wanted:
        print(f"transformers {version} …", file=sys.stderr, flush=True)
        try:
            done = run_over(overlay(chosen[version]), [str(HERE / "history_probe.py")], timeout=SECONDS)
            columns[version] = json.loads(done.stdout.splitlines()[-1])
        except (IndexError, ValueError, MissingDependency, subprocess.TimeoutExpired) as problem:
            print(f"{version}: {problem!r}", file=sys.stderr)
            failed = True
    rows = list(dict.fromkeys(row for column in columns.values() for row in column))
    print("| Check | " + " | ".join(columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for row in rows:
        print(f"| {row} | " + " | ".join(column.get(row, "") for column in columns.values()) + " |")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
