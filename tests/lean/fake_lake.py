"""Stands in for lake and lean: answers as ``FAKE_LAKE`` and the files in the working folder say."""

import os
import sys
from pathlib import Path

arguments = sys.argv[1:]
if Path(sys.argv[0]).name == "lean":
    if os.environ["FAKE_LAKE"] == "offline":
        sys.exit(
            "info: downloading\nerror: could not download the toolchain\ninfo: backtrace:\n  1: <unknown>"
        )
    version = "4.27.0" if os.environ["FAKE_LAKE"] == "old" else "4.28.0"
    print(f"Lean (version {version}, x86_64-unknown-linux-gnu, commit 0000, Release)")
elif arguments == ["build", "--wfail"]:
    sys.stdout.write(Path("lake-output.txt").read_text())
    if os.environ["FAKE_LAKE"] == "edit":
        Path("Spec.lean").write_text("-- edited meanwhile\n")
    sys.exit(int(Path("lake-status.txt").read_text()))
elif arguments == ["build", "oracle"]:
    program = Path(".lake/build/bin/oracle")
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!{sys.executable}\nprint('ready', flush=True)\nprint(input()[::-1], flush=True)\n")
    program.chmod(0o755)
    sys.exit(1 if os.environ["FAKE_LAKE"] == "broken" else 0)
else:
    sys.exit(f"unexpected {arguments}")
