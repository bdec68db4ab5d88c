"""Moves a Bitrix24 CRM from one portal to another, through a staging database."""

__version__ = "0.1.0"
