echo 'I will not delete files.'
