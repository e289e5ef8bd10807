"""The embedded AWS: the emulator process, the deployer, the reference tool server and the demo.

Nothing in here is shipped to AWS. It exists so that the declared stack can run, and be watched, on any machine.
"""
