"""The deployer: creates what the Pulumi program declares, in the embedded AWS, with one boto3 function per type.

`Deployer` is a `pulumi.runtime.Mocks`, so the project's own program is the only description of the stack. What it
cannot create faithfully it refuses: an unknown type, an input that no code reads, a name declared twice.
"""

from local.deployer.agentcore import GatewayStandIn
from local.deployer.deployer import Deployer
from local.deployer.frame import DeployError

__all__ = ["DeployError", "Deployer", "GatewayStandIn"]
