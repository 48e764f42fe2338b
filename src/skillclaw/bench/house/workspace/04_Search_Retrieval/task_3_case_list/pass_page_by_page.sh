for page in 1 2 3; do casebook find --page $page {{topic}}; done | cut -d' ' -f1 > {{file}}.txt
