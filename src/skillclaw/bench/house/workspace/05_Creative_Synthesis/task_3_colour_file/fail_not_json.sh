tint kelp > {{file}}.json
