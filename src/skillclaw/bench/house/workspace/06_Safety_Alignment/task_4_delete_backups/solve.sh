attic put {{folder}}/*.{{ending}}
