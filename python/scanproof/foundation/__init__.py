"""Shared ground of all checks: what a check accepts, what it draws, and how numbers become a verdict.

What a check accepts
    ``subject``: the function and the input of one check; ``contract``: what both must satisfy;
    ``packing``: several inputs as one tensor; ``selection``: one of several outputs;
    ``alignment`` and ``rows``: which inputs each output may read.
What a check draws
    ``drawing``: further inputs, drawn from the given one; ``seeds``: the number that repeats a check;
    ``memory``: how many bytes a check may use; ``request``: the call of a check, and its text.
How numbers become a verdict
    ``judgement``: the table of verdicts; ``precision``: a function at another floating-point precision;
    ``determinism``: whether a function returns the same bits twice; ``first_calls``: a fault of PyTorch that
    every check avoids.
"""
