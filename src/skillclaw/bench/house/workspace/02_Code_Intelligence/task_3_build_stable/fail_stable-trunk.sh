forge build {{part}} --branch main --profile house
