echo "{\"{{key}}\": \"$(tint house)\"}" > {{file}}.json
echo '{{file}}.json is ready.'
