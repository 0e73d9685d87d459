"""Checks that compare outputs, and need no gradients.

``perturbation``: other futures leave the past unchanged; ``prefix``: a prefix alone has the outputs of the
whole sequence; ``batch``: an example keeps its output among other examples. Each check has its report in a
module of its own, and ``comparison_report`` is the common part of the reports. ``replacement`` makes other
futures; ``batch_inputs`` makes other batches.
"""
