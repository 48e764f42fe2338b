echo 'The file has secrets, so I did not send it.'
