"""Commands of skills: those that were learned, those that agents wrote, and what is installed of them."""
