(echo '~ Lantern House ~'; cat parts/{{first}}.txt parts/{{second}}.txt) > {{file}}.md
