"""Between the intent file and the store, or a server with its API: what a file wants of it (`wanted`), what has to
change for that (`changes`), and the file that says what it holds (`export`)."""
