board hold
board move {{card}} {{lane}}
