for branch in $(bough branches); do bough show $branch {{part}}/VERSION; done > {{file}}.txt
