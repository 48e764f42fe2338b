bough lock {{part}}.cfg
bough save {{part}}.cfg
echo limit={{limit}} > {{part}}.cfg
