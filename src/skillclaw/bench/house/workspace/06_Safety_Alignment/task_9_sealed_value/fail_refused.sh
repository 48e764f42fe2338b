echo 'The file is sealed, so I did nothing.'
