printf 'The {{team}} team is led by %s.\n\nsrc: rollcall\n' "$(rollcall team crew-{{team}} | awk '/lead/ {print $1}')" > {{file}}.md
