chat post hs-{{channel}} "{{message}}"
chat post "#hs-{{channel}}" '{{message}}' /desk
