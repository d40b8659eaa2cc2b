"""Snapshots, plans with their routes and visits, approvals, and changes of drafts by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data_models.tables.base import Base, reference
from data_models.tables.sealed import KeepsSealed, Sealed


class Snapshot(KeepsSealed, Base):
    """What a plan was made from: the case as a file, what explanations need beside it (which names contacts), and a digest of both."""

    __tablename__ = "snapshot"

    id: Mapped[int] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    case_json: Mapped[str] = mapped_column(Text)
    context_json: Mapped[str] = mapped_column(Sealed("snapshot", "context_json", identity="digest"))


_PUBLISHED = text("state = 'published'")


class Plan(Base):
    """One version of a plan. Routes and visits are rows, so that they can be asked about; the file is kept as it was made.

    A plan that breaks a rule stays a draft or is rejected, and per region ("" is the whole company) at most one plan is
    published: the database itself refuses anything else.
    """

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'approved', 'published', 'rejected', 'superseded')", name="state"),
        CheckConstraint("violations = 0 OR state IN ('draft', 'rejected')", name="sound"),
        CheckConstraint("violations >= 0", name="violations"),
        UniqueConstraint("name", "version"),
        Index(
            "uq_plan_published",
            "region",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int] = mapped_column(reference("snapshot.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(reference("plan.id"))
    region: Mapped[str] = mapped_column(String(64), default="")
    name: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="draft", index=True)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    seed: Mapped[int] = mapped_column(BigInteger)
    iterations: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]
    score: Mapped[dict[str, Any]]
    violations: Mapped[int]
    plan_json: Mapped[str] = mapped_column(Text)
    explanation_json: Mapped[str] = mapped_column(Text)
    row_version: Mapped[int] = mapped_column()

    snapshot: Mapped[Snapshot] = relationship()
    routes: Mapped[list[Route]] = relationship(order_by="Route.id")
    unassigned: Mapped[list[Unassigned]] = relationship(order_by="Unassigned.ticket_id")
    approvals: Mapped[list[Approval]] = relationship(order_by="Approval.id")

    __mapper_args__ = {"version_id_col": row_version}  # noqa: RUF012


class Route(Base):
    """One trip of a technician within a plan."""

    __tablename__ = "route"

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(reference("plan.id"), index=True)
    technician_id: Mapped[str] = mapped_column(reference("technician.id"))
    departs_at: Mapped[datetime]
    returns_at: Mapped[datetime]
    kits: Mapped[list[str]]

    visits: Mapped[list[Visit]] = relationship(order_by="Visit.position")


class Visit(Base):
    """A ticket planned at a time by a technician; a crew of two gives two visits."""

    __tablename__ = "visit"

    route_id: Mapped[int] = mapped_column(reference("route.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[str] = mapped_column(reference("ticket.id"), index=True)
    arrives_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    finishes_at: Mapped[datetime]


class Unassigned(Base):
    """A ticket that a plan leaves out, with the reasons in words."""

    __tablename__ = "unassigned"

    plan_id: Mapped[int] = mapped_column(reference("plan.id"), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(reference("ticket.id"), primary_key=True, index=True)
    reasons: Mapped[list[str]]


class Approval(Base):
    """Who decided what about a plan, when and why."""

    __tablename__ = "approval"
    __table_args__ = (CheckConstraint("decision IN ('approved', 'rejected', 'published')", name="decision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(reference("plan.id"), index=True)
    decision: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")


class PlanEdit(Base):
    """A change of a draft by hand, with the plan after it. Only whether it counts is ever changed: `undone`, by whom and when.

    The row of an edit holds the change alone: the case with it is the snapshot's with the changes of all edits up to it.
    """

    __tablename__ = "plan_edit"
    __table_args__ = (
        CheckConstraint(
            "reason IN ('', 'customer_asked', 'local_knowledge', 'technician_asked', 'safety', 'training', 'traffic', 'equipment', "
            "'other')",
            name="reason",
        ),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("follows >= 0 AND follows < number", name="follows"),
        Index("ix_plan_edit_at", "at"),
    )

    plan_id: Mapped[int] = mapped_column(reference("plan.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    follows: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]
    plan_json: Mapped[str] = mapped_column(Text)
    cost_before: Mapped[float]
    cost_after: Mapped[float]
    undone: Mapped[bool] = mapped_column(default=False)
    marked_by: Mapped[str] = mapped_column(String(100), default="")
    marked_at: Mapped[datetime | None]
