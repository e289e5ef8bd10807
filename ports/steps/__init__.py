"""The step contract: the driving port of the execution layer, and the one source of its shape.

``state`` holds what flows between steps, ``resources`` what a step may touch, ``contract`` the steps themselves with
their timeouts, retries and routes. The state machine, the IAM documents, the functions' environments and the tests'
expectations are all generated from here.
"""
