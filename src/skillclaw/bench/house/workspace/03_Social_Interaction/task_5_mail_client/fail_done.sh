mailer send --to {{address}} --subject "[EXT] {{subject}}" --body "Nothing."
mailer flush
