-- What else people ask of auctions and bids, over the tables of Nexmark.

-- name: lateral_top
SELECT a.id, a.item_name, b.bidder, b.price FROM auction a LEFT JOIN LATERAL (SELECT bidder, price FROM bid WHERE auction = a.id AND date_time BETWEEN a.date_time AND a.expires ORDER BY price DESC, date_time, bidder LIMIT 1) b ON true

-- name: range_join
SELECT a.id, b.bidder, b.price FROM auction a JOIN bid b ON b.auction = a.id AND tsrange(a.date_time, a.expires, '[]') @> b.date_time::timestamp

-- name: window_over_group
SELECT opens, auction, bids, rank() OVER (PARTITION BY opens ORDER BY bids DESC) AS r, bids / sum(bids) OVER (PARTITION BY opens) AS share FROM (SELECT date_bin('10 s', date_time, timestamp '2000-01-01') AS opens, auction, count(*) AS bids FROM bid GROUP BY 1, 2) x

-- name: window_over_group_direct
SELECT date_bin('10 s', date_time, timestamp '2000-01-01') AS opens, auction, max(count(*)) OVER (PARTITION BY date_bin('10 s', date_time, timestamp '2000-01-01')) AS most, sum(sum(price)) OVER (ORDER BY date_bin('10 s', date_time, timestamp '2000-01-01')) AS running FROM bid GROUP BY 1, 2

-- name: ties
SELECT auction, count(*) AS n FROM bid GROUP BY auction ORDER BY n DESC FETCH FIRST 3 ROWS WITH TIES

-- name: correlated_ten
SELECT s.id, s.name, (SELECT avg(x.price) FROM (SELECT b.price FROM auction a JOIN bid b ON b.auction = a.id WHERE a.seller = s.id ORDER BY b.date_time DESC, b.price, b.bidder LIMIT 10) x) AS a FROM person s

-- name: outbid
WITH RECURSIVE ladder AS (SELECT auction, bidder, price, date_time, 0 AS step FROM (SELECT DISTINCT ON (auction) * FROM bid ORDER BY auction, date_time, price, bidder) f UNION SELECT b.auction, b.bidder, b.price, b.date_time, l.step + 1 FROM ladder l JOIN LATERAL (SELECT * FROM bid WHERE auction = l.auction AND date_time > l.date_time AND price > l.price ORDER BY date_time, price, bidder LIMIT 1) b ON true) SELECT * FROM ladder

-- name: grouping
SELECT channel, date_time::date AS day, grouping(channel, date_time::date) AS g, count(*), rank() OVER (PARTITION BY grouping(channel, date_time::date) ORDER BY sum(price) DESC) AS r FROM bid GROUP BY CUBE (channel, date_time::date)

-- name: percentiles
SELECT auction, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) AS median, percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY price) AS p, mode() WITHIN GROUP (ORDER BY channel) AS m FROM bid GROUP BY auction

-- name: regr
SELECT auction, regr_count(price, bidder) AS n, stddev(price) AS s, var_pop(price) AS v FROM bid GROUP BY auction

-- name: buckets
SELECT width_bucket(price, ARRAY[1000, 10000, 1000000]::bigint[]) AS bucket, count(*), array_agg(DISTINCT auction ORDER BY auction) AS auctions FROM bid GROUP BY 1

-- name: jsons
SELECT p.id, jsonb_build_object('name', p.name, 'auctions', jsonb_agg(jsonb_build_object('id', a.id, 'item', a.item_name) ORDER BY a.id)) AS j FROM person p JOIN auction a ON a.seller = p.id GROUP BY p.id

-- name: url_parts
SELECT b.auction, b.bidder, u.part, u.n FROM bid b, unnest(string_to_array(b.url, '/')) WITH ORDINALITY AS u(part, n) WHERE u.n > 3

-- name: url_params
SELECT auction, bidder, split_part(kv, '=', 1) AS k, split_part(kv, '=', 2) AS v FROM bid, regexp_split_to_table(split_part(url, '?', 2), '&') AS kv

-- name: pauses
SELECT bidder, avg(pause) AS a, max(pause) AS m, sum(pause) AS s FROM (SELECT bidder, date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time) AS pause FROM bid) x GROUP BY bidder

-- name: gaps_full
SELECT coalesce(x.opens, y.opens) AS opens, x.n AS bids, y.n AS auctions FROM (SELECT date_bin('5 s', date_time, timestamp '2000-01-01') AS opens, count(*) AS n FROM bid GROUP BY 1) x FULL JOIN (SELECT date_bin('5 s', date_time, timestamp '2000-01-01') AS opens, count(*) AS n FROM auction GROUP BY 1) y ON x.opens = y.opens

-- name: filled
SELECT w.opens, count(b.price) AS n, coalesce(sum(b.price), 0) AS s FROM (SELECT generate_series(date_trunc('minute', min(date_time)), max(date_time), '10 s') AS opens FROM bid) w LEFT JOIN bid b ON b.date_time >= w.opens AND b.date_time < w.opens + interval '10 s' GROUP BY w.opens

-- name: all_categories
SELECT bidder FROM bid b JOIN auction a ON a.id = b.auction GROUP BY bidder HAVING count(DISTINCT a.category) = (SELECT count(DISTINCT category) FROM auction)

-- name: division
SELECT p.id FROM person p WHERE NOT EXISTS (SELECT FROM (SELECT DISTINCT category FROM auction) c WHERE NOT EXISTS (SELECT FROM bid b JOIN auction a ON a.id = b.auction WHERE b.bidder = p.id AND a.category = c.category))

-- name: never_sold
SELECT id FROM auction EXCEPT ALL SELECT auction FROM bid WHERE price > 1000

-- name: bought_and_sold
SELECT seller FROM auction INTERSECT ALL SELECT bidder FROM bid

-- name: not_in
SELECT id, name FROM person WHERE id NOT IN (SELECT seller FROM auction WHERE category <> 10)

-- name: epoch
SELECT floor(extract(epoch FROM date_time) / 10) * 10 AS opens, to_timestamp(floor(extract(epoch FROM min(date_time)))) AS first, count(*) FROM bid GROUP BY 1

-- name: overlap
SELECT a.id, b.id AS other FROM auction a JOIN auction b ON a.seller = b.seller AND a.id < b.id AND (a.date_time, a.expires) OVERLAPS (b.date_time, b.expires)

-- name: ranges_merged
SELECT seller, range_agg(tsrange(date_time, expires)) AS r FROM auction GROUP BY seller

-- name: concurrent
SELECT max(open) AS most FROM (SELECT at, sum(d) OVER (ORDER BY at, d) AS open FROM (SELECT date_time AS at, 1 AS d FROM auction UNION ALL SELECT expires, -1 FROM auction) e) s

-- name: islands
SELECT category, min(id) AS a, max(id) AS b, count(*) FROM (SELECT id, category, row_number() OVER (ORDER BY id) - row_number() OVER (PARTITION BY category ORDER BY id) AS island FROM auction) x GROUP BY category, island

-- name: first_last
SELECT DISTINCT auction, first_value(bidder) OVER w AS f, last_value(price) OVER w AS l, nth_value(price, 2) OVER w AS n2 FROM bid WINDOW w AS (PARTITION BY auction ORDER BY date_time, price, bidder ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)

-- name: running_distinct
SELECT b.auction, b.date_time, (SELECT count(DISTINCT c.bidder) FROM bid c WHERE c.auction = b.auction AND c.date_time <= b.date_time) AS n FROM bid b

-- name: pivot
SELECT a.category, sum(b.price) FILTER (WHERE b.channel = 'Google') AS google, sum(b.price) FILTER (WHERE b.channel = 'Apple') AS apple, bool_or(b.price > 1000000) AS big, string_agg(DISTINCT b.channel, ',' ORDER BY b.channel) AS channels FROM auction a LEFT JOIN bid b ON b.auction = a.id GROUP BY a.category

-- name: state_share
SELECT p.state, count(*) AS n, round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent FROM person p JOIN auction a ON a.seller = p.id GROUP BY p.state

-- name: second_price
SELECT a.id, (SELECT b.price FROM bid b WHERE b.auction = a.id ORDER BY b.price DESC OFFSET 1 LIMIT 1) AS pays FROM auction a WHERE a.reserve < ALL (SELECT price * 1000 FROM bid WHERE auction = a.id)

-- name: any_array
SELECT id, bidders FROM (SELECT a.id, ARRAY(SELECT DISTINCT bidder FROM bid WHERE auction = a.id ORDER BY bidder) AS bidders, a.seller FROM auction a) x WHERE seller = ANY (bidders) OR cardinality(bidders) > 2

-- name: whole_rows
SELECT b.auction, max(b.price) AS m, count(DISTINCT b) AS n FROM bid b GROUP BY b.auction

-- name: month_ends
SELECT date_trunc('hour', date_time) + interval '1 month' AS due, count(*), age(max(date_time), min(date_time)) AS spread FROM bid GROUP BY 1
