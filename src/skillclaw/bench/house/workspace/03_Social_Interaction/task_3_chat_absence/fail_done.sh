chat post hs-{{channel}} "{{name}} is away. /desk"
