"""How people log in by an OpenID provider, such as Keycloak, Entra ID, WeCom or Feishu behind one: which, and who they are to us."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

RoleName = Literal["viewer", "coordinator", "planner", "technician", "administrator"]
_Claim = Annotated[str, Field(max_length=200)]


class OpenIdSettings(BaseModel):
    """Login by OpenID Connect; off as long as there is no `issuer`.

    A `role_claim` makes the provider the one who says what people may do, at each login: the first of their values that `roles` names.
    Without it, accounts keep the role that they were given here, and new ones get `new_role`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$", max_length=300)] = ""
    client_id: Annotated[str, Field(max_length=200)] = ""
    client_secret: SecretStr = SecretStr("")
    name: Annotated[str, Field(min_length=1, max_length=60)] = "OpenID Connect"
    scopes: Annotated[str, Field(pattern=r"\bopenid\b", max_length=200)] = "openid profile email"
    return_url: Annotated[str, Field(pattern=r"^(https?://[^\s?#]+/login/openid/back)?$")] = ""
    login_claim: Annotated[str, Field(min_length=1, max_length=200)] = "preferred_username"
    name_claim: _Claim = "name"
    role_claim: _Claim = ""
    roles: dict[str, RoleName] = Field(default_factory=dict)
    regions_claim: _Claim = ""
    regions: dict[str, str] = Field(default_factory=dict)
    technician_claim: _Claim = ""
    make_accounts: bool = False
    new_role: RoleName = "viewer"

    @model_validator(mode="after")
    def _whole(self) -> OpenIdSettings:
        if self.issuer and not self.client_id:
            raise ValueError("give openid.client_id too: the name under which the provider knows this console")
        if self.role_claim and not self.roles:
            raise ValueError('give openid.roles too: which role each value of the claim stands for, such as {"dispatch": "coordinator"}')
        return self
