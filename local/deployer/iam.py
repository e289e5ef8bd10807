"""IAM: roles and their inline policies."""

from local.deployer.frame import Clients, Created, Inputs, creates


@creates("aws:iam/role:Role")
def role(inputs: Inputs, aws: Clients) -> Created:
    """Create a role; the emulator keeps its trust policy but asks nobody about it."""
    name = inputs.required("name")
    created = aws.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs.required("assumeRolePolicy"),
        Description=inputs.optional("description", ""),
    )["Role"]
    return Created(name, {"arn": created["Arn"], "uniqueId": created["RoleId"]})


@creates("aws:iam/rolePolicy:RolePolicy")
def role_policy(inputs: Inputs, aws: Clients) -> Created:
    """Write an inline policy of a role."""
    role_name, name = inputs.required("role"), inputs.required("name")
    aws.client("iam").put_role_policy(RoleName=role_name, PolicyName=name, PolicyDocument=inputs.required("policy"))
    return Created(f"{role_name}:{name}")
