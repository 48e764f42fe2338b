"""Ray starts, and its workers answer."""

from doubling import doubled

from skillclaw.evolve.executors.on_ray import RayExecutor

executor = RayExecutor(workers=1)
try:
    answers = sorted(executor.run(doubled, [b"a", b"b"], batch=1))
finally:
    executor.close()
assert answers == [(0, b"aa"), (1, b"bb")], answers
