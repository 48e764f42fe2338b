attic put {{folder}}/*.txt
