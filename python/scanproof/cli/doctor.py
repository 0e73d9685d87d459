"""``scanproof doctor``."""

from dataclasses import asdict

from scanproof.cli.exits import INCONCLUSIVE, PASSED
from scanproof.cli.options import Json, Quiet


def doctor(json: Json = False, quiet: Quiet = False) -> int:
    """Report what this machine offers (toolchain, oracle, devices), what is missing, and how to fix it.

    With --quiet, print only what is missing. The exit code is 3 if something is missing that the proofs need.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from scanproof.cli.show import show_json
    from scanproof.doctor import examine
    from scanproof.report.console import output

    findings = examine()
    missing = any(finding.state == "missing" for finding in findings)
    if json:
        show_json(
            {"command": "doctor", "complete": not missing, "findings": [asdict(one) for one in findings]}
        )
        return INCONCLUSIVE if missing else PASSED
    marks = {"ok": ("✓", "green"), "optional": ("-", "dim"), "missing": ("✗", "bold red")}
    table = Table(box=box.ROUNDED)
    for name in ("Checked", "Found", "Fix"):
        table.add_column(name, overflow="fold")
    for one in findings:
        if not quiet or one.state == "missing":
            mark, style = marks[one.state]
            table.add_row(
                Text(f"{mark} {one.name}", style=style), Text(one.detail), Text(one.remedy, style="bold")
            )
    if table.row_count:
        output().print(table)
    return INCONCLUSIVE if missing else PASSED
