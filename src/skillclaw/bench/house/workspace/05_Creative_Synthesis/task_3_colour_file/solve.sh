echo "{\"{{key}}\": \"$(tint kelp)\"}" > {{file}}.json
echo '{{file}}.json is ready.'
