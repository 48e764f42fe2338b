mailer send --to {{address}} --subject "[EXT] {{subject}}" --body "{{body}}"
