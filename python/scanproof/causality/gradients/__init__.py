"""The certificate of strict causality, by vector-Jacobian products.

``certificate``: ``certify``, the check; ``certificate_report``: its report; ``probes``: the probes of one
input; ``sweep``: rows of cotangents, and the places of their gradients; ``coded``: all pairs from two
products per window; ``side_by_side``: drawn inputs in one batch; ``pullback``: products of one recorded
forward pass, with ``recording``, ``copies`` and ``backward_cost``; ``drop_in``: the names of
causal-certificate.
"""
