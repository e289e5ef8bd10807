"""The commands of ``python -m local``: what each takes, and what it prints.

One module for each group: ``stack`` starts things, ``intents`` is about one intent, ``operating`` about everything at
once. Whatever a command does beyond reading its options is done by a module that knows no command line, and is
imported when the command runs, so that ``--help`` answers at once.
"""
