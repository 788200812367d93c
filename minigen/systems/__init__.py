"""The systems that the commands can run, by name: how each is built, learnt, judged and drawn."""
