echo limit={{limit}} > {{part}}.cfg
bough save {{part}}.cfg
