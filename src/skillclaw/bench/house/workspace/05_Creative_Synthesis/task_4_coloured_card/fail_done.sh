echo "I have done it."
