"""Errors that mean the call was wrong; findings are ``AssertionError`` subclasses beside the checks."""


class InvalidArgument(ValueError):
    """The call itself is wrong (rank, dtype, length, mode, …); nothing was checked.

    The message is one sentence that says what was given, what was expected and what to do.
    """
