"""The output of Lean with ``--json``, one message on a line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from scanproof.lean.findings import Finding


@dataclass(frozen=True)
class Message:
    """One message of Lean; ``severity`` is ``error``, ``warning`` or ``information``."""

    file: str
    line: int
    column: int
    severity: str
    text: str

    @property
    def is_fault(self) -> bool:
        """Whether the message is an error or a warning; ``lake build --wfail`` counts the same messages."""
        return self.severity != "information"

    @property
    def finding(self) -> Finding:
        """The message as a fault in the proofs."""
        return Finding(self.file, self.line, self.column, f"{self.severity}: {self.text}")


def parse_messages(output: str) -> Iterator[Message]:
    """Read the messages in Lean's output; lines without a message are skipped."""
    for line in output.split("\n"):
        if not line.startswith("{"):
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError:
            continue
        if "severity" in fields:
            position = fields["pos"]
            yield Message(
                fields["fileName"], position["line"], position["column"], fields["severity"], fields["data"]
            )
