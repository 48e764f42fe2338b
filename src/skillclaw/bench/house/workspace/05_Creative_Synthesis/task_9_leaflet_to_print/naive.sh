cat parts/{{first}}.txt parts/{{second}}.txt > {{file}}.md
press send {{file}}.md
