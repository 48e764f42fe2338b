attic put {{folder}}/*
