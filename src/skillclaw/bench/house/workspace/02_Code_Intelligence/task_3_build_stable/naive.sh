bough branches
forge build {{part}} --branch stable
