forge build {{part}} --branch trunk --profile house
