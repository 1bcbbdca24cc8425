-- What the examples of constructs.yaml read besides the example shop's tables.

CREATE FUNCTION any_row(n bigint) RETURNS record LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN ROW(n, n / 2.0); END$$;
CREATE FUNCTION any_rows(n bigint) RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$SELECT i, 'row ' || i FROM generate_series(1, n % 3) i$$;
CREATE TYPE address AS (street text, city text);
CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN deadline AS timestamptz NOT NULL;

CREATE TABLE bookings (
    id         bigint PRIMARY KEY,
    product_id bigint NOT NULL REFERENCES products,
    during     tstzrange NOT NULL,
    days       int4range NOT NULL,
    tags       text[] NOT NULL,
    sent_to    address NOT NULL,
    share      percent NOT NULL,
    doc        jsonb NOT NULL,
    form       text NOT NULL
);

CREATE TABLE folders (
    id     bigint PRIMARY KEY,
    parent bigint REFERENCES folders,
    name   text NOT NULL
);

CREATE TABLE visits (
    id          bigint,
    customer_id bigint NOT NULL,
    day         date NOT NULL,
    page        text NOT NULL,
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (day);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');

CREATE TABLE archive (id bigint, day date NOT NULL, page text NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE archive_2024 PARTITION OF archive FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');

CREATE TABLE letters (id bigint PRIMARY KEY, body text);
CREATE TABLE signed_letters (signature text, PRIMARY KEY (id)) INHERITS (letters);

CREATE TABLE invoices (
    id    bigint PRIMARY KEY,
    net   numeric NOT NULL,
    gross numeric GENERATED ALWAYS AS (net * 1.19) STORED
);

CREATE UNLOGGED TABLE carts (id bigint PRIMARY KEY);
CREATE TABLE clicks (at timestamptz, page text);
CREATE MATERIALIZED VIEW sold AS SELECT product_id, sum(quantity) AS quantity FROM order_lines GROUP BY product_id;
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER warehouse FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE deliveries (id bigint) SERVER warehouse;
CREATE COLLATION "any case" (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE VIEW paid_orders WITH (security_barrier) AS SELECT id, customer_id, ordered_at FROM orders WHERE status = 'paid';
CREATE VIEW paid_by_customer AS SELECT customer_id, count(*) AS orders, max(ordered_at) AS last FROM paid_orders GROUP BY customer_id;

CREATE FUNCTION vat(net numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN round(net * 0.19, 2); END$$;
CREATE FUNCTION halves(n integer) RETURNS TABLE (half numeric) LANGUAGE sql IMMUTABLE AS $$SELECT i / 2.0 FROM generate_series(1, n) i$$;
CREATE FUNCTION first_letters(val text, base text, apart integer, sub boolean, less boolean) RETURNS boolean LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN less THEN ascii(val) <= ascii(base) + CASE WHEN sub THEN -apart ELSE apart END ELSE ascii(val) >= ascii(base) + CASE WHEN sub THEN -apart ELSE apart END END;
ALTER OPERATOR FAMILY text_ops USING btree ADD FUNCTION 3 (text, integer) first_letters(text, text, integer, boolean, boolean);
CREATE FUNCTION place() RETURNS bigint LANGUAGE internal IMMUTABLE WINDOW AS 'window_rank';
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
