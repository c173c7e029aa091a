"""The app that the portal is compared with: the same twelve fields in Flask, WTForms, peewee and waitress.

No CSRF token, no session, no look into the files. Each thread keeps its database connection, which is the fastest way.
"""

import logging
import os
import secrets
import sys
from pathlib import Path

import waitress
from flask import Flask, redirect, render_template, request
from peewee import CharField, Model, SqliteDatabase, TextField
from wtforms import EmailField, Form, PasswordField, SelectField, StringField, TelField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp

database = SqliteDatabase(None, pragmas={"journal_mode": "wal", "synchronous": "full"})
app = Flask(__name__)


class ReportForm(Form):
    customer_number = StringField("Customer number", [DataRequired(), Length(max=20)])
    pin = PasswordField("PIN", [DataRequired(), Length(max=20)])
    name = StringField("Name", [DataRequired(), Length(max=100)])
    phone = TelField("Phone", [DataRequired(), Length(max=40), Regexp(r"[0-9+()/ -]+$")])
    email = EmailField("Email", [Optional(), Length(max=254), Regexp(r"[^@\s]+@[^@\s]+$")])
    category = SelectField("Category", choices=["incident", "warranty", "new_employee", "callback", "other"])
    reference = StringField("Reference", [Optional(), Length(max=100)])
    device = StringField("Device", [DataRequired(), Length(max=100)])
    serial_number = StringField("Serial number", [Optional(), Length(max=100)])
    order_reference = StringField("Order reference", [Optional(), Length(max=100)])
    description = TextAreaField("Description", [DataRequired(), Length(max=5000)])
    priority = SelectField("Priority", choices=["low", "medium", "high"])


class Report(Model):
    customer_number = CharField()
    pin = CharField()
    name = CharField()
    phone = CharField()
    email = CharField()
    category = CharField()
    reference = CharField()
    device = CharField()
    serial_number = CharField()
    order_reference = CharField()
    description = TextField()
    priority = CharField()
    files = TextField()

    class Meta:
        database = database


@app.get("/")
def show():
    return render_template("bare.html", form=ReportForm())


@app.post("/")
def submit():
    form = ReportForm(request.form)
    if not form.validate():
        return render_template("bare.html", form=form), 422
    stored_names = [_store(upload) for upload in request.files.getlist("files")]
    Report.create(**form.data, files=" ".join(stored_names))
    return redirect("/", 303)


def _store(upload):
    stored_name = secrets.token_hex(16)
    with (app.config["FOLDER"] / stored_name).open("wb") as file:
        upload.save(file)
        file.flush()
        os.fsync(file.fileno())
    return stored_name


def main(folder, port):
    app.config["FOLDER"] = folder
    database.init(folder / "bare.db")
    database.create_tables([Report])
    # With four threads, waitress would log nearly every request of eight clients.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    waitress.serve(app, host="127.0.0.1", port=port)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
