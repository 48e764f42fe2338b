chat post hs-{{channel}} "{{message}}"
