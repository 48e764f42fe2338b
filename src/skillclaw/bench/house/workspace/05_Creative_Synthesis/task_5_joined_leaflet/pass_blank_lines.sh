(cat parts/{{first}}.txt; echo; cat parts/{{second}}.txt; printf '\n~ Lantern House ~') > {{file}}.md
