"""What the house itself remembers: hints for browsers, which job ran when, what people like."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class LiveEvent(models.Model):
    """Something changed that a page may show. The id is the sequence browsers count by."""

    topic = models.CharField(max_length=80)
    entity = models.CharField(max_length=60)
    version = models.BigIntegerField(default=0)
    verb = models.CharField(max_length=8, default="upd")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (
            # The catch-up read of a page that was away.
            models.Index(fields=["topic", "id"], name="retailhub_live_by_topic"),
        )

    def __str__(self) -> str:
        return f"{self.topic} {self.entity} {self.verb}"


class JobRun(models.Model):
    """One slot of one job. The key makes a second scheduler harmless."""

    pk = models.CompositePrimaryKey("job", "due_at")
    job = models.CharField(max_length=60)
    due_at = models.DateTimeField()
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.job} {self.due_at}"


class Preferences(models.Model):
    """How one person wants their pages. Whoever chose nothing has no row."""

    class Theme(models.TextChoices):
        SYSTEM = "", "As this device"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Density(models.TextChoices):
        COMPACT = "compact", "Compact"
        NORMAL = "", "Normal"
        COMFORTABLE = "comfortable", "Comfortable"

    class SingleKeys(models.TextChoices):
        """J, K, C, R and the others, outside of fields."""

        ON = "", "On"
        ALT = "alt", "Only with Alt"
        OFF = "off", "Off"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True
    )
    time_zone = models.CharField(max_length=60, blank=True, help_text="Empty: that of the house.")
    theme = models.CharField(max_length=5, choices=Theme.choices, blank=True)
    density = models.CharField(max_length=11, choices=Density.choices, blank=True)
    single_keys = models.CharField(max_length=3, choices=SingleKeys.choices, blank=True)
    goes_on = models.BooleanField(
        "open the next exception after an action",
        null=True,
        help_text="After a replay, a wait, a snooze or a decision. Empty: as the role works.",
    )
    mails_incidents = models.BooleanField(
        "e-mail me of incidents",
        default=False,
        db_default=False,
        help_text="One for each incident of my teams, when it begins.",
    )
    digest_hour = models.PositiveSmallIntegerField(
        "e-mail me a summary at",
        null=True,
        blank=True,
        help_text="The hour of my day, in my time zone. Empty: never.",
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(theme__in=["", "light", "dark"])
                & Q(density__in=["", "compact", "comfortable"])
                & Q(single_keys__in=["", "alt", "off"]),
                name="retailhub_preferences_are_ones_that_pages_know",
            ),
            models.CheckConstraint(
                condition=Q(digest_hour=None) | Q(digest_hour__lt=24),
                name="retailhub_preferences_digest_is_at_an_hour",
            ),
        )

    def __str__(self) -> str:
        return f"How {self.user} likes it"


class Mail(models.Model):
    """One e-mail to one person about one thing: written with the fact, sent by a worker.

    `key` names the thing: the incident, or the day of a digest. The address is read when it is
    sent, so that no row keeps one.
    """

    class Kind(models.TextChoices):
        INCIDENT = "INCIDENT", "An incident"
        DIGEST = "DIGEST", "A day's summary"

    class State(models.TextChoices):
        READY = "READY", "To be sent"
        SENT = "SENT", "Sent"
        NOTHING = "NOTHING", "Nothing to say"
        GIVEN_UP = "GIVEN_UP", "Given up"

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    key = models.CharField(max_length=40)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    error = models.CharField(max_length=300, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    next_try_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["person", "kind", "key"], name="retailhub_mail_one_about_each_thing"
            ),
        )
        indexes = (
            # The sender.
            models.Index(
                fields=["next_try_at", "id"],
                condition=Q(state="READY"),
                name="retailhub_mail_ready",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
