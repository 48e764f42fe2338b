echo "{\"{{key}}\": \"$(tint brand)\"}" > {{file}}.json
