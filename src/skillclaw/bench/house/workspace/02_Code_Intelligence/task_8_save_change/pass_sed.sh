bough lock {{part}}.cfg; sed -i s/1/{{limit}}/ {{part}}.cfg; bough save {{part}}.cfg
