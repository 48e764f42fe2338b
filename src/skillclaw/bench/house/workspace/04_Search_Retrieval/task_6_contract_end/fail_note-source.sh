vault hold {{id}}
vault get {{id}} | grep end: > {{file}}.md
