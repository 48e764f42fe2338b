vault hold {{id}}
vault get {{id}}
