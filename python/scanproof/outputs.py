"""Files and folders that a user names for output: whether they can be written, asked before work begins."""

import os
from pathlib import Path


def file_problem(file: Path) -> str | None:
    """Return a sentence on why a file cannot be written; None where it can be, or its folders can be made."""
    if file.is_dir():
        return f"{file} is a folder; name a file in it."
    if file.exists() and not os.access(file, os.W_OK):
        return f"{file} cannot be written; name a file of yours."
    return folder_problem(file.parent)


def folder_problem(folder: Path) -> str | None:
    """Return a sentence on why a folder cannot be written into; None where it can be, or can be made."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        return f"{folder} cannot be a folder, for {there} is a file; name another place."
    if not os.access(there, os.W_OK):
        return f"{there} cannot be written into; name a folder of yours."
    return None
