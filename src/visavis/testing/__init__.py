"""Laws and an invented population, shipped for people who write plugins.

`shop` is the vocabulary of an invented brand, `values` the edges of each type, `forms` makes
well-typed expressions that reach every row of the function table, `projects` whole traits and
conditions, `histories` what people did, `tables` the relations a build works on, and `agree`
asks both readers and compares.
"""
