mailer send --to {{address}} --subject "[EXT] Order {{order}}" --body "We cancel the order {{order}}."
mailer flush
