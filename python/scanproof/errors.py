"""Errors that are no findings; findings are ``AssertionError`` subclasses beside the checks."""


class InvalidArgument(ValueError):
    """The call itself is wrong (rank, dtype, length, mode, …); nothing was checked.

    The message is one sentence that says what was given, what was expected and what to do.
    """


class NothingEstablished(RuntimeError):
    """What is checked raised in the middle of a check; the message says what, and where."""


class MissingDependency(ImportError):
    """A package that an extra brings is not installed; the message names the command that installs it."""
