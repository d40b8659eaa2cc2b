"""The tables: what the store keeps, typed for SQLAlchemy 2.0, the same on SQLite and PostgreSQL.

Master data (customers to shifts) is written by intake, tickets by intake and events, plans by the flows. Rows that a
plan may refer to are never deleted: they get `retired_at`. Ids are the company's own, any Unicode; surrogate keys are
used only where the company has no name for the thing.
"""

from data_models.tables.api import KeptAnswer, Webhook, WebhookDelivery
from data_models.tables.attachments import Attachment
from data_models.tables.base import Base, Id, UtcDateTime
from data_models.tables.company import (
    Absence,
    Contact,
    Contract,
    Customer,
    Position,
    Shift,
    Site,
    Station,
    StationKit,
    Technician,
    TechnicianSkill,
)
from data_models.tables.events import Event, EventNote, Lease
from data_models.tables.notices import Notice
from data_models.tables.people import Account, ApiToken, AuditEntry, LoginSession, OpenIdAttempt
from data_models.tables.places import GeocodedAddress, TravelTime
from data_models.tables.plans import Approval, Plan, PlanEdit, Route, Snapshot, Unassigned, Visit
from data_models.tables.readings import Reading, SensorGate, SensorSeries, TicketReading
from data_models.tables.studies import StoredScenario, StoredStudy
from data_models.tables.tickets import Ticket, TicketClock

__all__ = [
    "Absence",
    "Account",
    "ApiToken",
    "Approval",
    "Attachment",
    "AuditEntry",
    "Base",
    "Contact",
    "Contract",
    "Customer",
    "Event",
    "EventNote",
    "GeocodedAddress",
    "Id",
    "KeptAnswer",
    "Lease",
    "LoginSession",
    "Notice",
    "OpenIdAttempt",
    "Plan",
    "PlanEdit",
    "Position",
    "Reading",
    "Route",
    "SensorGate",
    "SensorSeries",
    "Shift",
    "Site",
    "Snapshot",
    "Station",
    "StationKit",
    "StoredScenario",
    "StoredStudy",
    "Technician",
    "TechnicianSkill",
    "Ticket",
    "TicketClock",
    "TicketReading",
    "TravelTime",
    "Unassigned",
    "UtcDateTime",
    "Visit",
    "Webhook",
    "WebhookDelivery",
]
