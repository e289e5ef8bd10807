"""Cognito: the pool that issues tokens, its resource servers, clients and domain."""

from local.deployer.frame import Clients, Created, Inputs, creates

_UNITS = {"accessToken": "AccessToken", "idToken": "IdToken", "refreshToken": "RefreshToken"}


@creates("aws:cognito/userPool:UserPool")
def user_pool(inputs: Inputs, aws: Clients) -> Created:
    """Create a pool."""
    admin = inputs.block("adminCreateUserConfig") or Inputs({})
    pool = aws.client("cognito-idp").create_user_pool(
        PoolName=inputs.required("name"),
        DeletionProtection=inputs.optional("deletionProtection", "INACTIVE"),
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": admin.optional("allowAdminCreateUserOnly", default=False)},
    )["UserPool"]
    pool_id = pool["Id"]
    return Created(pool_id, {"arn": pool["Arn"], "endpoint": f"cognito-idp.{aws.region}.amazonaws.com/{pool_id}"})


@creates("aws:cognito/resourceServer:ResourceServer")
def resource_server(inputs: Inputs, aws: Clients) -> Created:
    """Create a resource server, whose scopes a token can be asked for."""
    pool_id, identifier = inputs.required("userPoolId"), inputs.required("identifier")
    scopes = [
        {"ScopeName": scope.required("scopeName"), "ScopeDescription": scope.required("scopeDescription")}
        for scope in inputs.blocks("scopes")
    ]
    aws.client("cognito-idp").create_resource_server(
        UserPoolId=pool_id, Identifier=identifier, Name=inputs.required("name"), Scopes=scopes
    )
    return Created(
        f"{pool_id}|{identifier}", {"scopeIdentifiers": [f"{identifier}/{scope['ScopeName']}" for scope in scopes]}
    )


@creates("aws:cognito/userPoolClient:UserPoolClient")
def user_pool_client(inputs: Inputs, aws: Clients) -> Created:
    """Create a client of a pool."""
    client = aws.client("cognito-idp").create_user_pool_client(
        UserPoolId=inputs.required("userPoolId"),
        ClientName=inputs.required("name"),
        GenerateSecret=inputs.optional("generateSecret", default=False),
        AllowedOAuthFlows=inputs.optional("allowedOauthFlows", []),
        AllowedOAuthFlowsUserPoolClient=inputs.optional("allowedOauthFlowsUserPoolClient", default=False),
        AllowedOAuthScopes=inputs.optional("allowedOauthScopes", []),
        ExplicitAuthFlows=inputs.optional("explicitAuthFlows", []),
        AccessTokenValidity=inputs.required("accessTokenValidity"),
        TokenValidityUnits={_UNITS[key]: unit for key, unit in inputs.required("tokenValidityUnits").items()},
    )["UserPoolClient"]
    return Created(client["ClientId"], {"clientSecret": client.get("ClientSecret", "")})


@creates("aws:cognito/userPoolDomain:UserPoolDomain")
def user_pool_domain(inputs: Inputs, aws: Clients) -> Created:
    """Reserve a pool's domain; the emulator answers at its own endpoint, whatever the domain."""
    domain = inputs.required("domain")
    aws.client("cognito-idp").create_user_pool_domain(Domain=domain, UserPoolId=inputs.required("userPoolId"))
    return Created(domain)
