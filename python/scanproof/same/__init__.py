"""Whether two functions are one function, apart from rounding."""
