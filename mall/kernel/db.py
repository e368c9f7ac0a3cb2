"""The SQLAlchemy handle with one naming convention for constraints."""

from datetime import datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The declarative base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        str: Text,
        int: BigInteger,
    }


# The extension lends sessions and engines; the tables belong to Base alone.
db = SQLAlchemy(disable_autonaming=True)

# Every wait has a limit: a process that waits on a lock would wait for ever.
CONNECT_OPTIONS = (
    "-c lock_timeout=5000 -c statement_timeout=60000"
    " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
)
