"""Who shops here, and where they live. All invented; the mail domain cannot exist."""

import random
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Country:
    code: str
    name: str
    weight: int
    tax_title: str
    tax_rate: float
    dial: str
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]
    towns: tuple[tuple[str, str, str | None, str | None], ...]  # zip, city, province, its code


COUNTRIES: Final = (
    Country(
        "DE", "Germany", 58, "DE VAT", 0.19, "+49 30",
        ("Anna", "Jonas", "Lena", "Paul", "Mia", "Felix", "Zeynep", "Jürgen", "Käthe", "Emre"),
        ("Müller", "Schmidt", "Weiß", "Yılmaz", "Krüger", "Lehmann", "Groß", "Vogel", "Brandt"),
        ("Lindenstraße", "Am Markt", "Gartenweg", "Bahnhofstraße", "Kastanienallee"),
        (("10115", "Berlin", None, None), ("20095", "Hamburg", None, None),
         ("50667", "Köln", None, None), ("80331", "München", None, None),
         ("04109", "Leipzig", None, None), ("01067", "Dresden", None, None)),
    ),
    Country(
        "AT", "Austria", 9, "AT VAT", 0.20, "+43 1",
        ("Lukas", "Sophie", "Maximilian", "Johanna"), ("Gruber", "Huber", "Wagner", "Pichler"),
        ("Mariahilfer Straße", "Ringstraße", "Kirchengasse"),
        (("1070", "Wien", None, None), ("8010", "Graz", None, None),
         ("5020", "Salzburg", None, None)),
    ),
    Country(
        "FR", "France", 8, "FR TVA", 0.20, "+33 1",
        ("Chloé", "Hugo", "Léa", "Étienne"), ("Lefèvre", "Moreau", "D'Angelo", "Garçon"),
        ("rue des Lilas", "avenue de la République", "place du Marché"),
        (("75011", "Paris", None, None), ("69002", "Lyon", None, None),
         ("31000", "Toulouse", None, None)),
    ),
    Country(
        "NL", "Netherlands", 8, "NL VAT", 0.21, "+31 20",
        ("Daan", "Fleur", "Sem", "Noor"), ("de Vries", "van den Berg", "Jansen", "'t Hooft"),
        ("Prinsengracht", "Kerkstraat", "Dorpsweg"),
        (("1017 KV", "Amsterdam", None, None), ("3511 AB", "Utrecht", None, None)),
    ),
    Country(
        "IT", "Italy", 5, "IT IVA", 0.22, "+39 02",
        ("Giulia", "Matteo", "Nicolò", "Sara"), ("Rossi", "Bianchi", "De Luca", "Ferrarì"),
        ("via Garibaldi", "corso Italia", "piazza Dante"),
        (("20121", "Milano", "Milano", "MI"), ("00184", "Roma", "Roma", "RM")),
    ),
    Country(
        "ES", "Spain", 4, "ES IVA", 0.21, "+34 93",
        ("Lucía", "Hugo", "Sofía", "Íñigo"), ("García López", "Muñoz", "Fernández", "Peña"),
        ("calle Mayor", "avenida del Puerto"),
        (("08002", "Barcelona", "Barcelona", "B"), ("28013", "Madrid", "Madrid", "M")),
    ),
    Country(
        "PL", "Poland", 4, "PL VAT", 0.23, "+48 22",
        ("Zofia", "Jakub", "Łucja", "Stanisław"), ("Nowak", "Wójcik", "Kowalczyk", "Żak"),
        ("ul. Długa", "ul. Polna", "al. Róż"),
        (("00-238", "Warszawa", None, None), ("31-012", "Kraków", None, None)),
    ),
    Country(
        "US", "United States", 4, "", 0.0, "+1 212",
        ("Olivia", "Liam", "Amelia", "Noah"), ("Smith", "O'Brien", "Garcia", "Nguyen"),
        ("Maple Avenue", "West 4th Street", "Harbor Road"),
        (("10014", "New York", "New York", "NY"), ("94110", "San Francisco", "California", "CA"),
         ("02118", "Boston", "Massachusetts", "MA")),
    ),
)  # fmt: skip
COUNTRY: Final = {country.code: country for country in COUNTRIES}

# So few that the same people come back, as customers do.
_REGULARS: Final = 900


@dataclass(frozen=True)
class Person:
    number: int
    first_name: str
    last_name: str
    country: Country
    line1: str
    line2: str | None
    zip: str
    city: str
    province: str | None
    province_code: str | None
    phone: str | None
    company: str | None

    @property
    def id(self) -> int:
        return 7_740_000_000_000 + self.number * 101

    @property
    def email(self) -> str:
        return f"customer{self.number}@mail.example"


def person(luck: random.Random, country_code: str | None = None) -> Person:
    """One of the regulars; the same number is the same person for ever."""
    country = COUNTRY[country_code] if country_code else _any_country(luck)
    number = COUNTRIES.index(country) * _REGULARS + luck.randrange(_REGULARS)
    traits = random.Random(number)  # noqa: S311
    zip_code, city, province, province_code = traits.choice(country.towns)
    return Person(
        number=number,
        first_name=traits.choice(country.first_names),
        last_name=traits.choice(country.last_names),
        country=country,
        line1=f"{traits.choice(country.streets)} {traits.randrange(1, 180)}",
        line2=traits.choice(("Hinterhaus", "c/o Nachbarn", None, None, None, None)),
        zip=zip_code,
        city=city,
        province=province,
        province_code=province_code,
        phone=f"{country.dial} {traits.randrange(10**6, 10**7)}" if traits.random() < 0.6 else None,
        company="Atelier am Kanal GmbH" if traits.random() < 0.05 else None,
    )


def _any_country(luck: random.Random) -> Country:
    return luck.choices(COUNTRIES, [country.weight for country in COUNTRIES])[0]


def address(who: Person) -> dict[str, Any]:
    """An address as orders carry it."""
    return {
        "first_name": who.first_name,
        "address1": who.line1,
        "phone": who.phone,
        "city": who.city,
        "zip": who.zip,
        "province": who.province,
        "country": who.country.name,
        "last_name": who.last_name,
        "address2": who.line2,
        "company": who.company,
        "latitude": None,
        "longitude": None,
        "name": f"{who.first_name} {who.last_name}",
        "country_code": who.country.code,
        "province_code": who.province_code,
    }


def customer(who: Person, stamp: str) -> dict[str, Any]:
    """The customer inside an order, with the address they keep on file."""
    shown = address(who)
    return {
        "id": who.id,
        "email": who.email,
        "created_at": stamp,
        "updated_at": stamp,
        "first_name": who.first_name,
        "last_name": who.last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "phone": who.phone,
        "email_marketing_consent": None,
        "sms_marketing_consent": None,
        "tags": "",
        "currency": "EUR",
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{who.id}",
        "default_address": {
            "id": who.id + 1,
            "customer_id": who.id,
            **{name: shown[name] for name in shown if name not in ("latitude", "longitude")},
            "country_name": shown["country"],
            "default": True,
        },
    }
