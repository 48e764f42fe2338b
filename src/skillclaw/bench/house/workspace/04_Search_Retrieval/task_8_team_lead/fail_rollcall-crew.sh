rollcall team {{team}} | grep lead > {{file}}.md
echo 'src: rollcall' >> {{file}}.md
