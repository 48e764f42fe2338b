board move {{card}} {{lane}}
