chat post hs-{{channel}} "Please note: on {{day}}, {{name}} will not be here.  /desk "
