chat post hs-{{channel}} "{{message}} /desk"
