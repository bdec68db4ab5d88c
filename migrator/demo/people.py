"""Users and departments of the source portal, in the shapes of user.get and department.get.

Source: b24restdocs api-reference/user/user-get.md, api-reference/departments/department-get.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migrator.demo.tables import Tables

ADMINISTRATOR = 1

_SALES = 1
_FIRST_OFFICE, _FIRST_TEAM, _CYCLES = 10, 20, 30
_FIRST_MANAGER, _FIRST_AGENT, _FIRST_SALES_PERSON = 11, 101, 201


class People:
    """Who sells: managers and their agents (Maven), sales persons (AdventureWorks)."""

    def __init__(self, tables: Tables) -> None:
        self.users: list[dict[str, Any]] = []
        self.departments: list[dict[str, Any]] = []
        self.offices: list[str] = []
        self._managers: dict[str, int] = {}
        self._agents: dict[str, int] = {}
        self._sales_persons: dict[str, int] = {}
        self._boss_of: dict[str, str] = {}
        self._office_of: dict[str, str] = {}

        self._add_department(_SALES, "Sales", parent=None)
        self._add_user(ADMINISTRATOR, "Portal administrator", "admin@maventech.example", "", _SALES)
        self._add_teams(tables)
        self._add_sales_persons(tables)

    def agent(self, name: str) -> int:
        return self._agents[name]

    def manager_of(self, agent: str) -> int:
        return self._managers[self._boss_of[agent]]

    def office_of(self, agent: str) -> str:
        return self._office_of[agent]

    def sales_person(self, login: str) -> int:
        return self._sales_persons[login]

    def _add_teams(self, tables: Tables) -> None:
        """A department per regional office, below it one per manager, who heads it."""
        teams = tables.rows("maven_crm", "sales_teams")
        self.offices = list(dict.fromkeys(row["regional_office"] for row in teams))
        for place, office in enumerate(self.offices):
            self._add_department(_FIRST_OFFICE + place, office, parent=_SALES)
        for row in teams:
            agent, boss, office = row["sales_agent"], row["manager"], row["regional_office"]
            if boss not in self._managers:
                self._add_team(boss, _FIRST_OFFICE + self.offices.index(office))
            team = _FIRST_TEAM + list(self._managers).index(boss)
            user_id = _FIRST_AGENT + len(self._agents)
            self._agents[agent] = self._add_user(
                user_id, agent, _maven_email(agent), "Sales representative", team
            )
            self._boss_of[agent] = boss
            self._office_of[agent] = office

    def _add_team(self, boss: str, office: int) -> None:
        number = len(self._managers)
        self._managers[boss] = self._add_user(
            _FIRST_MANAGER + number, boss, _maven_email(boss), "Sales manager", _FIRST_TEAM + number
        )
        self._add_department(
            _FIRST_TEAM + number, f"Team of {boss}", parent=office, head=self._managers[boss]
        )

    def _add_sales_persons(self, tables: Tables) -> None:
        r"""One user per login (`adventure-works\pamela0`), an accent in one of them included."""
        self._add_department(_CYCLES, "Cycles", parent=_SALES)
        customers = tables.rows("adventureworks_lt", "SalesLT.Customer")
        for place, login in enumerate(sorted({row["SalesPerson"] for row in customers})):
            account = login.partition("\\")[2]
            self._sales_persons[login] = self._add_user(
                _FIRST_SALES_PERSON + place,
                account.rstrip("0123456789").capitalize(),
                f"{account}@adventure-works.com",
                "Sales representative",
                _CYCLES,
            )

    def _add_user(
        self, user_id: int, full_name: str, email: str, position: str, department: int
    ) -> int:
        first, _, last = full_name.partition(" ")
        is_administrator = user_id == ADMINISTRATOR
        self.users.append(
            {
                "ID": str(user_id),
                "ACTIVE": True,
                "NAME": first,
                "LAST_NAME": last,
                "SECOND_NAME": "",
                "EMAIL": email,
                "WORK_POSITION": position,
                "UF_DEPARTMENT": [department],
                "USER_TYPE": "employee",
                "ADMIN": is_administrator,
                "IMPORT": is_administrator,
                "CRM": True,
            }
        )
        return user_id

    def _add_department(
        self, department_id: int, name: str, *, parent: int | None, head: int | None = None
    ) -> None:
        row: dict[str, Any] = {"ID": str(department_id), "NAME": name, "SORT": 500}
        if parent is not None:
            row["PARENT"] = str(parent)
        if head is not None:
            row["UF_HEAD"] = str(head)
        self.departments.append(row)


def _maven_email(full_name: str) -> str:
    """The data has no addresses; `.example` belongs to nobody (RFC 2606)."""
    return full_name.lower().replace(" ", ".") + "@maventech.example"
