"""Making the next trust revision for a form: published and recorded in one transaction, or the form says why not."""

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.utils import timezone

from dashboard import audit
from dashboard.requests import Request
from trust import revisions, tasks
from trust.models import TrustRevision
from trust.notary.errors import TrustPolicyError, TrustStoreError


def publish(
    request: Request,
    form: Form,
    action: str,
    content: revisions.Content,
    *,
    policy_field: str | None = None,
    stores_field: str | None = None,
    **details: object,
) -> TrustRevision | None:
    """The next revision, and a message that says so; None where it is refused, as the form says at the field to blame."""
    now = timezone.now()
    try:
        with transaction.atomic():
            published = revisions.publish(
                content.policy,
                content.files,
                blob_policy=content.blob_policy,
                author=request.user,
                reason=form.cleaned_data["reason"],
                based_on=form.cleaned_data["based_on"],
                at=now,
            )
            audit.record(
                request.user,
                action,
                str(published),
                now,
                reason=published.reason,
                fingerprint=published.fingerprint,
                **details,
            )
            transaction.on_commit(tasks.nudge_due, robust=True)
    except TrustPolicyError as error:
        form.add_error(policy_field, f"{error} (rule {error.rule})")
    except TrustStoreError as error:
        form.add_error(stores_field, str(error))
    except revisions.StaleRevisionError as error:
        form.add_error(None, str(error))
    else:
        messages.success(request, f"Revision {published.number} is active. Every artifact is judged again under it.")
        return published
    return None
