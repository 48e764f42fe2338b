chat post {{channel}} "{{name}} is away on {{day}}."
