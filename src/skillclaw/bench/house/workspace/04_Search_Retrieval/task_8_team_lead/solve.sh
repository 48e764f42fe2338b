rollcall team crew-{{team}} | grep lead > {{file}}.md
echo 'src: rollcall' >> {{file}}.md
echo '{{file}}.md is ready.'
