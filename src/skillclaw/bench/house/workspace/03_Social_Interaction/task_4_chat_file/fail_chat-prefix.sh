chat post {{channel}} "$(cat {{place}}.txt) /desk"
