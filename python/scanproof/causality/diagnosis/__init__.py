"""What a leak looks like, and where it enters.

``pair``: the worst pair t <- s. ``pattern``: the pattern of all pairs, with ``rules``, ``matching`` and
``pattern_search``. ``origin``: the module and the line where the leak enters, found by gradients or by
outputs, with ``module_calls`` and ``past``. ``map``: how much every output reads of every input.
"""
