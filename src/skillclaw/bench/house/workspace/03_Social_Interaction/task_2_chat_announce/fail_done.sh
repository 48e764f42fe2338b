chat post hs-{{channel}} "Something else. /desk"
