rollcall team crew-{{team}} | grep lead > {{file}}.md
