board hold && board move {{card}} elsewhere
