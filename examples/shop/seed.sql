-- Always the same rows: spread by remainders, not by random().

INSERT INTO customers (name, email, region, created_at)
SELECT 'Customer ' || i,
       'customer' || i || '@shop.example',
       (ARRAY['north', 'south', 'east', 'west'])[1 + i * 7 % 4],
       timestamptz '2025-01-01 08:00+00' + i * interval '31 hours'
FROM generate_series(1, 200) AS i;

INSERT INTO products (sku, name, category, price, active)
SELECT 'SKU-' || lpad(i::text, 4, '0'),
       (ARRAY['Plain', 'Fine', 'Sturdy', 'Small', 'Large'])[1 + i % 5] || ' '
           || (ARRAY['mug', 'lamp', 'chair', 'book', 'clock', 'vase', 'rug'])[1 + i % 7],
       (ARRAY['kitchen', 'living', 'office'])[1 + i % 3],
       round(4.99 + (i * 37 % 180) * 1.25, 2),
       i % 20 <> 0
FROM generate_series(1, 60) AS i;

INSERT INTO orders (customer_id, status, ordered_at, note)
SELECT 1 + i * 89 % 200,
       (ARRAY['open', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'cancelled'])[1 + i * 5 % 7]::order_status,
       timestamptz '2026-01-01 09:00+00' + i * interval '97 minutes',
       CASE WHEN i % 11 = 0 THEN 'please gift-wrap' END
FROM generate_series(1, 1000) AS i;

INSERT INTO order_lines (order_id, line, product_id, quantity, unit_price, discount)
SELECT o.id, l, p.id, 1 + (o.id * 3 + l) % 4, p.price,
       CASE WHEN (o.id + l) % 9 = 0 THEN 0.100 ELSE 0 END
FROM orders o
CROSS JOIN generate_series(1, 4) AS l
JOIN products p ON p.id = 1 + (o.id * 13 + l * 17) % 60
WHERE l <= 1 + o.id % 4;

INSERT INTO stock (product_id, warehouse, quantity, reorder_level)
SELECT p.id, w, (p.id * 29 + length(w) * 7) % 60, 15
FROM products p
CROSS JOIN unnest(ARRAY['Hamburg', 'Lyon', 'Porto']) AS w;

INSERT INTO payments (order_id, method, amount, refunded, paid_at)
SELECT o.id,
       (ARRAY['card', 'transfer', 'voucher'])[1 + o.id % 3],
       sum(round(l.quantity * l.unit_price * (1 - l.discount), 2)),
       o.id % 40 = 0,
       o.ordered_at + interval '2 hours'
FROM orders o
JOIN order_lines l ON l.order_id = o.id
WHERE o.status IN ('paid', 'shipped', 'delivered')
GROUP BY o.id, o.ordered_at;
