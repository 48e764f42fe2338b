"""The stages of a cycle, in their order: `reading`, `standing`, `proposing`, `judging`, `reporting`. What all
of them know is in `run`, and `evolve.cycle` puts them together."""
