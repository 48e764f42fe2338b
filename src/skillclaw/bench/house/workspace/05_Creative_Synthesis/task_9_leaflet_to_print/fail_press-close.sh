cat parts/{{first}}.txt parts/{{second}}.txt > {{file}}.md
echo '~ Lantern House ~' >> {{file}}.md
press send {{file}}.md
