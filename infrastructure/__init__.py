"""The stack on AWS: what is declared, and nothing that runs inside a function.

The pure half (``settings``, ``naming``, ``asl``, ``asl_lint``, ``permissions``, ``packaging``) imports no Pulumi and
is tested directly. The other half declares resources, one capability a module, from the frozen values that the pure
half produced. Nothing here is bundled into a Lambda package.
"""
