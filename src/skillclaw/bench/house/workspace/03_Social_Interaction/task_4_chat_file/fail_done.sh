chat post hs-{{channel}} "{{place}}.txt /desk"
