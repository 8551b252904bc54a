"""A mend played on a copy of the host before it is printed: what would nobody be able to use afterwards?

`shell` reads the commands, `replica` builds the model of the kernel from one look, `perform` plays the commands on it,
`losses` compares before with after.
"""
