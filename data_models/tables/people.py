"""Accounts, sessions, API tokens and the audit trail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base, Id, reference


class Account(Base):
    """Somebody who can log in: by password, or by the `subject` that an OpenID provider knows them by."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'coordinator', 'planner', 'technician', 'administrator')", name="role"),
        CheckConstraint("language IN ('', 'zh', 'en')", name="language"),
        CheckConstraint("role != 'technician' OR technician_id IS NOT NULL", name="technician"),
        UniqueConstraint("login"),
        UniqueConstraint("subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(16))
    regions: Mapped[list[str]]
    technician_id: Mapped[str | None] = mapped_column(reference("technician.id"))
    language: Mapped[str] = mapped_column(String(8))
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change: Mapped[bool] = mapped_column(default=False)
    subject: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class LoginSession(Base):
    """Somebody logged in with a browser; `digest` is of the token that only the browser has."""

    __tablename__ = "login_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(reference("account.id"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class OpenIdAttempt(Base):
    """Somebody who was sent to the OpenID provider: what must be the same when they come back. It is gone then, so that it serves once."""

    __tablename__ = "openid_attempt"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    next: Mapped[str] = mapped_column(String(500))
    began_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """What a machine shows to the API; `digest` is of the token that only the machine has."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]
    regions: Mapped[list[str]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what: rows are added and never changed or deleted, which the database sees to and the chain of hashes shows."""

    __tablename__ = "audit_entry"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
