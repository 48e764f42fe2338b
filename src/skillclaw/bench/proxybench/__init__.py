"""The parts of `skillclaw bench proxy`: cases, bars, targets, load, and what is shown (see `bench.proxy`)."""
