"""Words of a description are searched."""

from skillclaw.evolve.engines.gepa_search import search
from skillclaw.gate.triggers import Trial
from skillclaw.skills.retrieval import Entry

entries = {
    "tests": Entry(name="tests", description="Runs the tests of a project."),
    "desk": Entry(name="desk", description="Work."),
}
asked = ["export the orders of march", "how many orders came", "orders by customer"]
other = ["run the tests", "why do tests fail"]
trials = [Trial(request=one, own=True, test=False) for one in asked]
trials += [Trial(request=one, own=False, test=False) for one in other]
words = search("desk", entries, trials, lambda word: True, lambda words: " ".join(["Work.", *words]), [])
assert words and set(words) <= {word for one in asked for word in one.split()}, words
