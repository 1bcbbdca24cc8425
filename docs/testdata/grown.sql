-- The tables' contents before changes are measured: in every grouping that the examples
-- use there is one group of :size rows, whose rows will change, and there are :others
-- others of one or two rows each.

INSERT INTO customers (id, name, email, region, created_at)
SELECT i, 'customer ' || i, i || '@example.com', CASE WHEN i <= :size THEN 'r1' ELSE 'r' || (i + 1) / 2 END, timestamptz '2024-01-01Z' + i * interval '1 min'
FROM generate_series(1, :size + 2 * :others) i;

INSERT INTO products (id, sku, name, category, price, active)
SELECT i, 'SKU-' || lpad(i::text, 6, '0'), 'product ' || i, CASE WHEN i <= :size THEN 'c1' ELSE 'c' || (i + 1) / 2 END, i + 0.5, i % 5 <> 0
FROM generate_series(1, :size + 2 * :others) i;

-- The first :size orders are those of the first customer; others have one each.
INSERT INTO orders (id, customer_id, status, ordered_at, note)
SELECT i, CASE WHEN i <= :size THEN 1 ELSE i END, (enum_range(NULL::order_status))[i % 5 + 1], timestamptz '2024-01-01Z' + i * interval '1 min', CASE WHEN i % 3 > 0 THEN 'note ' || i END
FROM generate_series(1, :size + 2 * :others) i;

-- The first order has :size lines, and so has the first product.
INSERT INTO order_lines (order_id, line, product_id, quantity, unit_price)
SELECT 1, i, i, 1 + i % 4, i + 0.5 FROM generate_series(1, :size) i
UNION ALL
SELECT i, 1, CASE WHEN i <= :size THEN 1 ELSE i END, 1 + i % 4, i + 0.5 FROM generate_series(2, :size + 2 * :others) i;

INSERT INTO stock (product_id, warehouse, quantity, reorder_level)
SELECT 1, 'w' || i, i % 17, 5 FROM generate_series(1, :size) i
UNION ALL
SELECT i, CASE WHEN i <= :size THEN 'w1' ELSE 'w' || i END, i % 17, 5 FROM generate_series(2, :size + 2 * :others) i;

INSERT INTO payments (id, order_id, method, amount, refunded, paid_at)
SELECT i, CASE WHEN i <= :size THEN 1 ELSE i END, CASE WHEN i <= :size THEN 'card' ELSE 'm' || i / 2 END, i * 1.25, i % 7 = 0, timestamptz '2024-01-01Z' + i * interval '1 day'
FROM generate_series(1, :size + 2 * :others) i;

INSERT INTO bookings
SELECT i, CASE WHEN i <= :size THEN 1 ELSE i END, tstzrange(timestamptz '2024-01-01Z' + i * interval '1 hour', timestamptz '2024-01-01Z' + (i + 2) * interval '1 hour'),
    int4range(i::int, i::int + 3), ARRAY['t' || i, 'u' || i], ROW('street ' || i, CASE WHEN i <= :size THEN 'Rome' ELSE 'city ' || i / 2 END)::address, i % 100,
    jsonb_build_object('guests', i % 5, 'rooms', jsonb_build_array(i, i + 1)), '<form><guest age="' || i % 90 || '">guest ' || i || '</guest></form>'
FROM generate_series(1, :size + 2 * :others) i;

-- Trees: a heap of :size folders, and many of two.
INSERT INTO folders
SELECT i, CASE WHEN i = 1 THEN NULL WHEN i <= :size THEN i / 2 WHEN i % 2 = 0 THEN i - 1 END, 'folder ' || i
FROM generate_series(1, :size + 2 * :others) i;

INSERT INTO visits
SELECT i, CASE WHEN i <= :size THEN 1 ELSE i END, date '2024-12-01' + (i % 60)::int, 'page ' || i % 9
FROM generate_series(1, :size + 2 * :others) i;

INSERT INTO archive SELECT i, '2024-06-01', 'page ' || i FROM generate_series(1, :size + 2 * :others) i;

INSERT INTO letters SELECT 3000000 + i, 'plain ' || i FROM generate_series(1, :size + 2 * :others) i;
INSERT INTO signed_letters SELECT i, 'letter ' || i, 'me' FROM generate_series(1, :size + 2 * :others) i;
INSERT INTO invoices (id, net) SELECT i, i * 1.5 FROM generate_series(1, :size + 2 * :others) i;
