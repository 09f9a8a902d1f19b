"""The solver benchmark: instances from the embedded geography, peers in their own processes, one recount for all.

``python -m tests.benchmarks.solver --help``. Not part of the tests: it takes minutes to hours.
"""
