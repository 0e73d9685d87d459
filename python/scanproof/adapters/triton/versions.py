"""The versions of Triton that the changes to its interpreter were tested with."""

TESTED = ("3.9",)
"""Minor versions whose interpreter the tests were run with."""


def version_note(version: str) -> str:
    """Return a sentence if a version of Triton was not tested, else an empty text."""
    if ".".join(version.split(".")[:2]) in TESTED:
        return ""
    return (
        f"Triton {version} was not tested: scanproof changes private parts of the interpreter, and was "
        f"tested with Triton {', '.join(TESTED)}; install one of these versions if the check raises."
    )
