for team in sales support design stores legal; do rollcall team crew-$team; done > {{file}}.txt
