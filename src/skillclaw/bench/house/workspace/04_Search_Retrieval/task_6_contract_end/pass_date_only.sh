vault hold {{id}} > /dev/null; printf '%s\nsrc: vault\n' "$(vault get {{id}} | sed -n 's/^end: //p')" > {{file}}.md
