"""The error for something that is missing on this machine, in contrast to a fault in the proofs."""


class LeanUnavailable(RuntimeError):
    """Lean cannot run on this machine: no network, no Node.js, too little memory, or a corrupt download.

    The message says in a sentence what is missing and what to do.
    """
