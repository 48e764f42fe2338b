mailer send --to {{address}} --subject "[EXT] {{subject}}" --body "letter.txt"
mailer flush
