chat post hs-{{channel}} "$(cat {{place}}.txt)"
