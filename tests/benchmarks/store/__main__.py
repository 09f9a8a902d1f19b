"""Print the figures of the store."""

from tests.benchmarks.store.measure import as_markdown, measure

print(as_markdown(measure()))
