-- What a portal of the eleventh version may hold: see tests/migrations/test_migrations.py.
INSERT INTO customer VALUES
    (1, 'K1001', 'Bäckerei Sommer', 'Frieda Sommer', 'frieda@sommer.example', 'sommer.example', 1, 'hash', '2026-11-20 09:00:00.000000', NULL, '2026-11-20 08:00:00.000000', NULL),
    (2, 'K1002', 'Praxis Winter', 'Eva Winter', 'post@winter.example', '', 0, NULL, NULL, NULL, '2026-11-20 08:00:00.000000', NULL),
    (3, 'K1003', 'Autohaus Nordring', '', '', '', 1, NULL, NULL, NULL, '2026-11-20 08:00:00.000000', NULL);
INSERT INTO approver VALUES
    (1, 1, 'Frieda Sommer', 'frieda@sommer.example', NULL, NULL),
    (2, 1, 'Bernd Sommer', 'bernd@sommer.example', '2026-11-01', '2026-12-01');
INSERT INTO staff VALUES
    (1, 'otto', 'Otto', 'hash', NULL, NULL, NULL, '2026-11-20 09:00:00.000000', '2026-11-20 08:00:00.000000'),
    (2, 'clara neumann', 'Clara Neumann', 'hash', NULL, NULL, NULL, NULL, '2026-11-20 08:00:00.000000'),
    (3, 'miriam vogt', 'Miriam Vogt', 'hash', NULL, NULL, NULL, NULL, '2026-11-20 08:00:00.000000');
INSERT INTO submission (id, draft, code, received_at, channel, address, state, customer_number, name, phone, email,
    category, priority, reference, description, device, serial_number, order_reference, first_name, last_name, extension,
    mobile, desired_email, position, entry_date, remarks) VALUES
    (1, 'draft-1', 'ABCDEFGH', '2026-11-21 08:00:00.000000', 'web', '', 'admitted', 'K1001', 'Anna Sommer', '0211 555', '',
     'incident', 'high', '', 'Der Drucker brennt', '', '', '', '', '', '', '', '', '', NULL, '');
INSERT INTO ticket VALUES
    (1, 1, 1, 'incident', 0, 'new', 'pending', 2, NULL, 0, NULL, 0, NULL, '2026-11-21 08:00:01.000000', NULL, NULL, '', '', NULL, '', NULL);
INSERT INTO event VALUES (1, 1, '2026-11-21 08:00:01.000000', 'opened', 'Portal', 'Kundennummer und PIN stimmen.', NULL, 15, NULL);
-- The token of this link, with the secret key of the tests: 1FboDzFR3aSsZFDu4fm9wEjEa_ZYZMNGwA1gh1QTHxM
INSERT INTO ticket_link VALUES
    (1, 1, 'approval', 1, 'nonce-of-fridas-link-0', 'd66bc1cb4d8443a66d51a3020f9c95219d0005cc33f4d0f9a6f4c0fcc1c436f4', '2026-11-21 08:00:01.000000', '2026-12-21 08:00:01.000000', NULL);
