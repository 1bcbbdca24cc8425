-- The changes that are measured, a statement each. Rows of the large groups come, change,
-- move to another group and go; :mid is in the middle of one, :size at its end.

INSERT INTO customers VALUES (1000001, 'someone new', 'new@example.com', 'r1', '2025-01-01Z');
UPDATE customers SET name = 'renamed' WHERE id = :mid;
UPDATE customers SET region = (SELECT region FROM customers WHERE id = :size + 1) WHERE id = :mid + 1;
DELETE FROM customers WHERE id = 1000001;

INSERT INTO products VALUES (1000001, 'SKU-NEW', 'something new', 'c1', 99999.5, true);
UPDATE products SET price = price + 0.25 WHERE id = :mid;
UPDATE products SET category = (SELECT category FROM products WHERE id = :size + 1), active = false WHERE id = :mid + 1;
DELETE FROM products WHERE id = 1000001;

INSERT INTO orders VALUES (1000001, 1, 'paid', '2025-01-01Z', 'new');
UPDATE orders SET status = 'paid', note = NULL WHERE id = :mid;
UPDATE orders SET ordered_at = ordered_at + interval '30 s', note = 'moved' WHERE id = :mid + 2;
UPDATE orders SET customer_id = :size + 1 WHERE id = :mid + 1;
DELETE FROM orders WHERE id = 1000001;

INSERT INTO order_lines VALUES (1, 1000001, 1, 3, 99999.5);
UPDATE order_lines SET quantity = quantity + 1, unit_price = unit_price + 0.25 WHERE order_id = 1 AND line = :mid;
UPDATE order_lines SET product_id = :size + 1 WHERE order_id = :mid AND line = 1;
DELETE FROM order_lines WHERE order_id = 1 AND line = 1000001;

INSERT INTO stock VALUES (1, 'w1000001', 3, 5);
UPDATE stock SET quantity = quantity + 1 WHERE product_id = 1 AND warehouse = 'w' || :mid;
DELETE FROM stock WHERE product_id = 1 AND warehouse = 'w1000001';

INSERT INTO payments VALUES (1000001, 1, 'card', 99999.5, false, '2034-01-01Z');
UPDATE payments SET amount = amount + 0.25, refunded = NOT refunded WHERE id = :mid;
UPDATE payments SET order_id = :size + 1, method = 'm1000001' WHERE id = :mid + 1;
DELETE FROM payments WHERE id = 1000001;

INSERT INTO bookings VALUES (1000001, 1, '[2034-01-01Z,2034-01-02Z)', '[2000001,2000003)', '{new}', '("a street",Rome)', 5, '{"guests": 1, "rooms": [1000001]}', '<form><guest age="1">new</guest></form>');
UPDATE bookings SET tags = '{changed}', share = 7, sent_to = '("another street",Rome)', doc = '{"guests": 9, "rooms": []}', form = '<form/>' WHERE id = :mid;
UPDATE bookings SET days = int4range(lower(days), upper(days) + 1), during = tstzrange(lower(during), upper(during) + interval '1 min') WHERE id = :mid + 1;
DELETE FROM bookings WHERE id = 1000001;

INSERT INTO folders VALUES (1000001, 1, 'new folder');
UPDATE folders SET name = 'renamed' WHERE id = :size - 1;
UPDATE folders SET parent = 2 WHERE id = :size;
DELETE FROM folders WHERE id = 1000001;

INSERT INTO visits VALUES (1000001, 1, '2025-12-01', 'new page');
UPDATE visits SET page = 'changed' WHERE id = :mid;
UPDATE visits SET day = day + 200 WHERE id = :mid + 1;
DELETE FROM visits WHERE id = 1000001;

INSERT INTO archive VALUES (1000001, '2024-12-01', 'new page');
UPDATE archive SET page = 'changed' WHERE id = :mid;
DELETE FROM archive WHERE id = 1000001;

INSERT INTO letters VALUES (2000001, 'new');
UPDATE letters SET body = 'again' WHERE id = 2000001;
DELETE FROM ONLY letters WHERE id = 2000001;
INSERT INTO signed_letters VALUES (1000001, 'new', 'me');
UPDATE signed_letters SET signature = 'us' WHERE id = :mid;
DELETE FROM signed_letters WHERE id = 1000001;

INSERT INTO invoices (id, net) VALUES (1000001, 5);
UPDATE invoices SET net = 6 WHERE id = :mid;
DELETE FROM invoices WHERE id = 1000001;
