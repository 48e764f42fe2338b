rollcall team crew-{{team}} > {{file}}.md
echo 'src: rollcall' >> {{file}}.md
