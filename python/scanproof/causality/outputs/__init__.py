"""Checks that compare outputs, and need no gradients.

``perturbation``: other futures leave the past unchanged; ``prefix``: a prefix alone gives what the whole
sequence gives there; ``batch``: an example keeps its output among other examples. Each has its report beside
it; ``comparison_report`` is what the reports share; ``replacement`` makes other futures; ``batch_inputs``
makes other batches.
"""
