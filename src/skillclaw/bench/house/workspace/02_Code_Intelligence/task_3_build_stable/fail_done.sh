forge build {{part}} --branch trunk --profile house
forge build {{other}} --branch trunk --profile house
