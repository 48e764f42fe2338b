cd {{folder}} && attic put {{file}}.txt
