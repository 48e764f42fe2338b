warden check inbox/{{letter}}.txt
echo 'The letter holds an order, so I did nothing.'
