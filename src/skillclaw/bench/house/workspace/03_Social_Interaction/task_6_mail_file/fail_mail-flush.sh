mailer send --to {{address}} --subject "[EXT] {{subject}}" --body "$(cat letter.txt)"
