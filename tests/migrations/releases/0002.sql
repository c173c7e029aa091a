-- What a portal of the second version may hold: see tests/test_migrations.py.
INSERT INTO customer VALUES (1, 'K1001', 'Bäckerei Sommer', 'Anna Sommer', 'post@sommer.example', 'sommer.example', 1, 'hash', '2026-11-20 09:00:00.000000', NULL, '2026-11-20 08:00:00.000000');
INSERT INTO approver VALUES (1, 1, 'Frieda Sommer', 'frieda@sommer.example', NULL, NULL);
INSERT INTO submission (id, draft, code, received_at, channel, address, state, customer_number, name, phone, email,
    category, priority, reference, description, device, serial_number, order_reference, first_name, last_name, extension,
    mobile, desired_email, position, entry_date, remarks) VALUES
    (1, 'draft-1', 'ABCDEFGH', '2026-11-21 08:00:00.000000', 'web', '', 'admitted', 'K1001', 'Anna Sommer', '0211 555', '',
     'incident', 'high', '', 'Der Drucker brennt', '', '', '', '', '', '', '', '', '', NULL, ''),
    (2, 'draft-2', 'BCDEFGHJ', '2026-11-21 09:00:00.000000', 'web', '', 'admitted', 'K1001', 'Anna Sommer', '0211 555', '',
     'other', 'low', '', 'Eine Frage', '', '', '', '', '', '', '', '', '', NULL, '');
INSERT INTO ticket VALUES
    (1, 1, 1, 'incident', 0, 'new', 'pending', NULL, NULL, 0, '2026-11-21 08:00:01.000000', NULL, NULL),
    (2, 2, 1, 'other', 2, 'done', 'approved', NULL, NULL, 0, '2026-11-21 09:00:01.000000', '2026-11-21 09:10:00.000000', '2026-11-21 09:10:00.000000');
INSERT INTO event VALUES
    (1, 1, '2026-11-21 08:00:01.000000', 'opened', 'Portal', 'Kundennummer und PIN stimmen.'),
    (2, 2, '2026-11-21 09:00:01.000000', 'opened', 'Portal', 'Kundennummer und PIN stimmen.');
INSERT INTO attachment VALUES (1, 'draft-1', 1, 'stored', 'Foto.png', 'image/png', 'digest', 12, '', '2026-11-21 07:59:00.000000');
