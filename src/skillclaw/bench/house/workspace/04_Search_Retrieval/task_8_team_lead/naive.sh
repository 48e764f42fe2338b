rollcall team {{team}} | grep lead > {{file}}.md
echo '{{file}}.md is ready.'
