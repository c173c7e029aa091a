-- What a portal of the first version may hold: see tests/test_migrations.py.
INSERT INTO customer VALUES (1, 'K1001', 'Bäckerei Sommer', 'post@sommer.example', 'hash', NULL, '2026-11-20 08:00:00.000000');
INSERT INTO former_pin VALUES (1, 1, 'old hash', '2026-11-20 09:00:00.000000');
INSERT INTO submission (id, draft, code, received_at, state, customer_number, name, phone, email, category, priority,
    reference, description, device, serial_number, order_reference, first_name, last_name, extension, mobile,
    desired_email, position, entry_date, remarks) VALUES
    (1, 'draft-1', 'ABCDEFGH', '2026-11-21 08:00:00.000000', 'admitted', 'K1001', 'Anna Sommer', '0211 555', '',
     'new_employee', 'low', '', '', '', '', '', 'Clara', 'Neumann', '', '', '', 'Buchhaltung', '2027-01-04', ''),
    (2, 'draft-2', 'BCDEFGHJ', '2026-11-21 09:00:00.000000', 'admitted', 'K1001', 'Anna Sommer', '0211 555', '',
     'warranty', 'high', '', 'Das Gerät lädt nicht', 'ThinkPad', 'PF4 X7Q', '', '', '', '', '', '', '', NULL, '');
INSERT INTO ticket VALUES (1, 1, 1, 'new', 1, '2026-11-21 08:00:01.000000'), (2, 2, 1, 'new', 0, '2026-11-21 09:00:01.000000');
INSERT INTO event VALUES (1, 1, '2026-11-21 08:00:01.000000', 'Portal', 'Ticket angelegt: Kundennummer und PIN stimmen.');
INSERT INTO attachment VALUES (1, 'draft-2', 2, 'stored', 'Foto.png', 'image/png', 'digest', 12, '127.0.0.1', '2026-11-21 08:59:00.000000');
