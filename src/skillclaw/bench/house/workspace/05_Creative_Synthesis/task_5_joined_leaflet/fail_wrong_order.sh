cat parts/{{second}}.txt parts/{{first}}.txt > {{file}}.md
echo '~ Lantern House ~' >> {{file}}.md
