python3 - "$(tint kelp)" <<'END'
import json, sys
json.dump({'{{key}}': sys.argv[1]}, open('{{file}}.json', 'w'), indent=2)
END
