(vault hold {{id}} && vault get {{id}}) > {{file}}.txt 2>&1
