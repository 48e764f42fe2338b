mailer send --to {{address}} --subject "[EXT] Order {{order}}" --body "We confirm the order {{order}}."
mailer flush
