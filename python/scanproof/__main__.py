"""Lets ``python -m scanproof`` be the command line."""

from scanproof.cli import main

main()
