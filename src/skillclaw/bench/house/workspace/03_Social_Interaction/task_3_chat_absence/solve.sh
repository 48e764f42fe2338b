chat post hs-{{channel}} "{{name}} is away on {{day}}. /desk"
