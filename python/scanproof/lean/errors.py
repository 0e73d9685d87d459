"""What can be missing on this machine, as opposed to wrong in the proofs."""


class LeanUnavailable(RuntimeError):
    """Lean cannot be run here, for want of a network, a Node.js, memory or a sound download.

    The message says in a sentence what is missing and what to do.
    """
