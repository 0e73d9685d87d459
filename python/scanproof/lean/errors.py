"""What can be missing on this machine, as opposed to wrong in the proofs."""


class LeanUnavailable(RuntimeError):
    """Lean cannot be run here: no network, too old a Node, too little memory, a broken download, …

    The message is one sentence that says what is missing and what to do.
    """
