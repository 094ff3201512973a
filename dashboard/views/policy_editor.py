"""The policy editor: a statement as a form beside the exact JSON, both of one document of a draft."""

from dataclasses import replace
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from dashboard import access, drafting
from dashboard.forms.statement import StatementForm
from dashboard.policy_editor import MOST_FAULTS, Editor
from dashboard.private_keys import holds_private_key
from dashboard.requests import Request
from trust import policy_editing
from trust.additions import Additions
from trust.draft_rows import Draft
from trust.drafts import StaleDraftError
from trust.notary.errors import TrustPolicyError
from trust.notary.levels import LEVELS
from trust.notary.policy_document import MAX_SIZE, SCOPES, WrittenStatement, read_document
from trust.policy_editing import Kind
from trust.revisions import Content

NEW = WrittenStatement("new", (), "strict", {}, "", (), ())
STALE = "Somebody changed this draft meanwhile. Look at what it says now, then repeat: what you entered is still here."


class _EditError(Exception):
    """What was entered cannot be saved, not even as something that breaks a rule."""


@require_http_methods(["GET", "HEAD", "POST"])
@access.admin_required
def edit(request: Request, draft_id: int, kind: Kind) -> HttpResponse:
    draft = get_object_or_404(Draft, pk=draft_id)
    if not draft.is_open:
        return redirect("draft", draft.pk)
    if request.method == "POST":
        return _check(request, draft, kind) if request.htmx else _save(request, draft, kind)
    editor = Editor.of(draft, kind, request.GET.get("statement", ""))
    form = editor.form()
    if form:
        form.is_valid()
        editor.blame(form)
    return _page(request, editor, form, editor.text)


def _page(request: Request, editor: Editor, form: StatementForm | None, text: str, error: str = "") -> HttpResponse:
    context = {
        "draft": editor.draft,
        "editor": editor,
        "form": form,
        "text": "" if holds_private_key(text.encode(errors="replace")) else text,
        "error": error,
        "levels": list(LEVELS),
        "faults_elsewhere": editor.faults_elsewhere[:MOST_FAULTS],
        "is_blobs": editor.kind != SCOPES,
    }
    return render(request, "dashboard/policy_editor.html", context, status=400 if error else 200)


def _check(request: Request, draft: Draft, kind: Kind) -> HttpResponse:
    """What would be wrong with what is entered so far; nothing is saved."""
    editor = Editor.of(draft, kind, request.POST.get("statement", ""))
    form = editor.form(request.POST) if "statement" in request.POST else None
    error, after = "", editor
    try:
        content = _edited(request, editor, form, request.POST.get("text", editor.text).replace("\r\n", "\n"))
        after = Editor(draft, kind, content, editor.position)
        error = after.malformed
    except _EditError as refused:
        error = str(refused)
    context = {"is_checked": True, "check_error": error, "found": after.named_faults[:MOST_FAULTS]}
    return render(request, "dashboard/policy_editor.html#check", context)


def _save(request: Request, draft: Draft, kind: Kind) -> HttpResponse:
    editor = Editor.of(draft, kind, request.POST.get("statement", ""))
    form = editor.form(request.POST) if "statement" in request.POST else None
    text = request.POST.get("text", editor.text).replace("\r\n", "\n")
    try:
        if request.POST.get("version") != str(draft.version):
            raise _EditError(STALE)
        content = _edited(request, editor, form, text)
        position = editor.position
        content, position = _acted(content, kind, request.POST.get("act", ""), position)
        if content != editor.content:
            draft = drafting.save(request, draft, content, "policy_edited", document=_name(kind))
    except (_EditError, StaleDraftError) as error:
        return _page(request, editor, form, text, str(error))
    after = Editor(draft, kind, content, position)
    if request.POST.get("act") == "see" and not after.malformed and not after.faults:
        return redirect("draft", draft.pk)
    return redirect(f"{after.url}?{urlencode({'statement': position + 1})}")


def _edited(request: Request, editor: Editor, form: StatementForm | None, text: str) -> Content:
    """The draft's content with what was entered: in the text, in the form, or in both where they do not meet."""
    kind, written = editor.kind, _bytes_of(editor, text)
    content = _with(editor.content, kind, written)
    picked = request.POST.getlist("add_identity"), request.POST.getlist("add_scope")
    if form is None or not (form.is_touched or any(picked)):
        return _pruned(content)
    if not form.is_valid():
        raise _EditError("The statement is not saved: a field of it cannot be read.")
    was = editor.document.statements[editor.position]
    now = form.statement(*picked)
    if now != was:
        written = _changed(written, editor, now)
    if len(written) > MAX_SIZE:
        raise _EditError("Nothing is saved: the document would be larger than 1 MiB.")
    additions = content.additions.renamed(was.name, now.name) if kind == SCOPES else content.additions
    if kind == SCOPES:
        additions = additions.of_statement(now.name, patterns=form.patterns(), role=form.cleaned_data["role"])
    for identity, role in form.signer_roles().items():
        additions = additions.of_signer(identity, role)
    if holds_private_key(written) or any(holds_private_key(one.encode(errors="replace")) for one in form.patterns()):
        raise _EditError("A field holds a private key. Nothing was kept.")
    return _pruned(replace(_with(content, kind, written), additions=additions))


def _bytes_of(editor: Editor, text: str) -> bytes:
    """The document that a text means: the very bytes that it was made of where nobody changed it."""
    if text.strip() == editor.text.strip():
        return editor.written
    if holds_private_key(text.encode(errors="replace")):
        raise _EditError("The text holds a private key. Nothing was kept.")
    breaks = (
        "\r\n" if b"\r\n" in editor.written and editor.written.count(b"\n") == editor.written.count(b"\r\n") else "\n"
    )
    written = text.replace("\n", breaks).encode(errors="replace")
    if len(written) > MAX_SIZE:
        raise _EditError("Nothing is saved: the text is larger than 1 MiB.")
    return written


def _changed(written: bytes, editor: Editor, now: WrittenStatement) -> bytes:
    """The document with the statement of the form, in a text that may have changed elsewhere."""
    try:
        statements = read_document(written, editor.kind).statements
    except TrustPolicyError as error:
        raise _EditError(f"Nothing is saved: the form changed, and the text cannot be read: {error}") from error
    same = (
        editor.position < len(statements) and statements[editor.position] == editor.document.statements[editor.position]
    )
    if not same:
        raise _EditError("Nothing is saved: the form and the text both change this statement. Take back one of them.")
    return policy_editing.change(written, editor.kind, editor.position, now)


def _acted(content: Content, kind: Kind, act: str, position: int) -> tuple[Content, int]:
    """The content after a button that adds, doubles, moves or removes a statement, and which one is edited then."""
    written = content.policy if kind == SCOPES else content.blob_policy
    try:
        document = read_document(written, kind) if written.strip() else None
    except TrustPolicyError:
        return content, position
    count = len(document.statements) if document else 0
    if act == "add":
        name = policy_editing.free_name(document, NEW.name) if document else NEW.name
        return _with(content, kind, policy_editing.add(written, kind, replace(NEW, name=name))), count
    if position >= count:
        return content, position
    if act == "duplicate":
        return _with(content, kind, policy_editing.duplicate(written, kind, position)), position + 1
    if act == "remove":
        return _pruned(_with(content, kind, policy_editing.remove(written, position))), max(0, position - 1)
    if act == "up" and position > 0:
        return _with(content, kind, policy_editing.move_down(written, position - 1)), position - 1
    if act == "down" and position + 1 < count:
        return _with(content, kind, policy_editing.move_down(written, position)), position + 1
    return content, position


def _with(content: Content, kind: Kind, written: bytes) -> Content:
    return replace(content, policy=written) if kind == SCOPES else replace(content, blob_policy=written)


def _pruned(content: Content) -> Content:
    """Without patterns and roles of what is no more; all of them stay while a document cannot be read."""
    if content.additions == Additions():
        return content
    try:
        statements = read_document(content.policy).statements if content.policy.strip() else ()
        blobs = read_document(content.blob_policy, "globalPolicy").statements if content.blob_policy.strip() else ()
    except TrustPolicyError:
        return content
    identities = {identity for one in (*statements, *blobs) for identity in one.trusted_identities}
    return replace(content, additions=content.additions.only_of({one.name for one in statements}, identities))


def _name(kind: Kind) -> str:
    return "trustpolicy.oci.json" if kind == SCOPES else "trustpolicy.blob.json"
