chat post {{channel}} "{{message}} /desk"
