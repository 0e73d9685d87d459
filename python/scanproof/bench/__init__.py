"""Benchmarks: what a check costs beside the published tool, and what each of them sees."""
