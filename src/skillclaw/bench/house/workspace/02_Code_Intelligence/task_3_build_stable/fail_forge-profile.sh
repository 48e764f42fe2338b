forge build {{part}} --branch trunk
