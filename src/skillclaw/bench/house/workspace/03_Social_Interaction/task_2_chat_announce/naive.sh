chat post {{channel}} "{{message}}"
