"""The text blocks for answers: list, add, change and remove them."""

from flask import Blueprint, abort, redirect, url_for

from models import TextBlock
from services.tickets import text_blocks
from views.shared.responses import render_page
from views.staff.forms.common import TextBlockForm

bp = Blueprint("text_blocks", __name__, url_prefix="/textbausteine")


@bp.get("")
def show_all():
    return render_page("staff/tickets/text_blocks.html", blocks=TextBlock.by_name())


@bp.get("/neu")
def form():
    return _show(TextBlockForm(formdata=None))


@bp.post("/neu")
def add():
    return _save(TextBlock())


@bp.get("/<int:block_id>")
def show(block_id):
    block = _load(block_id)
    return _show(TextBlockForm(formdata=None, obj=block), block)


@bp.post("/<int:block_id>")
def change(block_id):
    return _save(_load(block_id))


@bp.post("/<int:block_id>/entfernen")
def remove(block_id):
    text_blocks.remove(_load(block_id))
    return redirect(url_for(".show_all"), 303)


def _load(block_id):
    return TextBlock.get_or_none(TextBlock.id == block_id) or abort(404)


def _save(block):
    form = TextBlockForm()
    if not form.succeeds(lambda: text_blocks.save(block, {"name": form.name.data, "text": form.text.data})):
        return _show(form, block, 422)
    return redirect(url_for(".show_all"), 303)


def _show(form, block=None, status=200):
    return render_page("staff/tickets/text_block.html", status, form=form, block=block)
