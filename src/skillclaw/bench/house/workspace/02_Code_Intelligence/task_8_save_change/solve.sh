echo limit={{limit}} > {{part}}.cfg
bough lock {{part}}.cfg
bough save {{part}}.cfg
