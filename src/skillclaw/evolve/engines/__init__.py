"""Parts of the engines that ask a model; `evolve.evolvers` has the engines themselves."""
