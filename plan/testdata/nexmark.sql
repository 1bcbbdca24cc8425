-- The queries of Nexmark (people, auctions, bids) in Postgres' dialect, over
-- tables instead of streams: a window in time is a column that names it. Orders
-- are total, where they decide which rows are there. q12 asks for windows in the
-- time at which a row is processed, which is not a function of the data.

-- All bids as they are.
-- name: q0
SELECT auction, bidder, price, date_time, extra FROM bid

-- What each bid is in another currency.
-- name: q1
SELECT auction, bidder, 0.908 * price AS price, date_time, extra FROM bid

-- Bids in some auctions, chosen by their number.
-- name: q2
SELECT auction, price FROM bid WHERE auction % 12 = 0

-- Who sells in category 10 and lives in one of three states?
-- name: q3
SELECT p.name, p.city, p.state, a.id FROM auction a JOIN person p ON p.id = a.seller
WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')

-- For each category, the average of the prices that auctions closed at.
-- name: q4
SELECT category, avg(final) AS average
FROM (SELECT a.id, a.category, max(b.price) AS final FROM auction a JOIN bid b ON b.auction = a.id
  WHERE b.date_time BETWEEN a.date_time AND a.expires GROUP BY a.id, a.category) closed
GROUP BY category

-- Which auctions had the most bids in ten seconds, asked every two seconds?
-- A bid is in five windows.
-- name: q5
WITH counts AS (
  SELECT w.opens, b.auction, count(*) AS bids
  FROM (SELECT auction, date_bin('2 s', date_time, timestamp '2000-01-01') AS at FROM bid) b, generate_series(b.at - interval '8 s', b.at, '2 s') AS w(opens)
  GROUP BY w.opens, b.auction)
SELECT c.opens, c.auction, c.bids FROM counts c WHERE c.bids >= ALL (SELECT d.bids FROM counts d WHERE d.opens = c.opens)

-- What a seller's latest ten auctions closed at on average, each time one closes.
-- name: q6
SELECT seller, id, avg(price) OVER (PARTITION BY seller ORDER BY date_time, id ROWS 9 PRECEDING) AS average
FROM (SELECT DISTINCT ON (a.id) a.id, a.seller, b.price, b.date_time FROM auction a JOIN bid b ON b.auction = a.id AND b.date_time BETWEEN a.date_time AND a.expires
  ORDER BY a.id, b.price DESC, b.date_time) won

-- The highest bids of every ten seconds.
-- name: q7
SELECT b.auction, b.bidder, b.price, b.date_time FROM bid b
JOIN (SELECT date_bin('10 s', date_time, timestamp '2000-01-01') AS opens, max(price) AS price FROM bid GROUP BY 1) m
  ON b.price = m.price AND b.date_time >= m.opens AND b.date_time < m.opens + interval '10 s'

-- Who opened an auction in the ten seconds in which they registered?
-- name: q8
SELECT p.id, p.name, p.opens FROM (SELECT DISTINCT id, name, date_bin('10 s', date_time, timestamp '2000-01-01') AS opens FROM person) p
JOIN (SELECT DISTINCT seller, date_bin('10 s', date_time, timestamp '2000-01-01') AS opens FROM auction) a ON a.seller = p.id AND a.opens = p.opens

-- The bid that won each auction: the highest one, of equals the first.
-- name: q9
SELECT * FROM (
  SELECT a.id, a.item_name, a.initial_bid, a.reserve, a.expires, a.seller, a.category, b.bidder, b.price, b.date_time,
    row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time, b.bidder) AS n
  FROM auction a JOIN bid b ON b.auction = a.id AND b.date_time BETWEEN a.date_time AND a.expires) x
WHERE n <= 1

-- Bids with the day and the minute by which they are filed.
-- name: q10
SELECT auction, bidder, price, date_time, extra, to_char(date_time, 'YYYY-MM-DD') AS day, to_char(date_time, 'HH24:MI') AS minute FROM bid

-- How often does someone bid before pausing for ten seconds?
-- name: q11
SELECT bidder, session, count(*) AS bids, min(date_time) AS starts, max(date_time) + interval '10 s' AS ends
FROM (SELECT bidder, date_time, count(*) FILTER (WHERE first) OVER (PARTITION BY bidder ORDER BY date_time) AS session
  FROM (SELECT bidder, date_time, coalesce(date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time) >= interval '10 s', true) AS first FROM bid) b) s
GROUP BY bidder, session

-- Bids with what a table beside the stream says of their auctions.
-- name: q13
SELECT b.auction, b.bidder, b.price, b.date_time, s.value FROM bid b JOIN side_input s ON s.key = b.auction % 20

-- Bids in a range of prices, with the time of day and the letters c of a text.
-- name: q14
SELECT auction, bidder, 0.908 * price AS price,
  CASE WHEN extract(hour FROM date_time) BETWEEN 8 AND 18 THEN 'day' WHEN extract(hour FROM date_time) <= 6 OR extract(hour FROM date_time) >= 20 THEN 'night' ELSE 'other' END AS bid_time,
  date_time, extra, length(extra) - length(replace(extra, 'c', '')) AS c_counts
FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000

-- Bids, bidders and auctions of each day, in all and by three ranges of prices.
-- name: q15
SELECT date_time::date AS day, count(*) AS bids,
  count(*) FILTER (WHERE price < 10000) AS bids_1, count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS bids_2, count(*) FILTER (WHERE price >= 1000000) AS bids_3,
  count(DISTINCT bidder) AS bidders, count(DISTINCT bidder) FILTER (WHERE price < 10000) AS bidders_1,
  count(DISTINCT bidder) FILTER (WHERE price >= 10000 AND price < 1000000) AS bidders_2, count(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS bidders_3,
  count(DISTINCT auction) AS auctions, count(DISTINCT auction) FILTER (WHERE price < 10000) AS auctions_1,
  count(DISTINCT auction) FILTER (WHERE price >= 10000 AND price < 1000000) AS auctions_2, count(DISTINCT auction) FILTER (WHERE price >= 1000000) AS auctions_3
FROM bid GROUP BY 1

-- The same of each channel and day, with the minute of its last bid.
-- name: q16
SELECT channel, to_char(date_time, 'YYYY-MM-DD') AS day, max(to_char(date_time, 'HH24:MI')) AS minute, count(*) AS bids,
  count(*) FILTER (WHERE price < 10000) AS bids_1, count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS bids_2, count(*) FILTER (WHERE price >= 1000000) AS bids_3,
  count(DISTINCT bidder) AS bidders, count(DISTINCT bidder) FILTER (WHERE price >= 1000000) AS bidders_3,
  count(DISTINCT auction) AS auctions, count(DISTINCT auction) FILTER (WHERE price < 10000) AS auctions_1
FROM bid GROUP BY channel, to_char(date_time, 'YYYY-MM-DD')

-- Bids and prices of each auction and day.
-- name: q17
SELECT auction, date_time::date AS day, count(*) AS bids,
  count(*) FILTER (WHERE price < 10000) AS bids_1, count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS bids_2, count(*) FILTER (WHERE price >= 1000000) AS bids_3,
  min(price) AS least, max(price) AS greatest, avg(price) AS average, sum(price) AS total
FROM bid GROUP BY auction, date_time::date

-- The last bid of everyone in each auction.
-- name: q18
SELECT auction, bidder, price, channel, url, date_time, extra
FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC, price DESC, extra COLLATE "C") AS n FROM bid) b WHERE n = 1

-- The ten highest bids of each auction, with their rank.
-- name: q19
SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, date_time, bidder, extra COLLATE "C") AS n FROM bid) b WHERE n <= 10

-- Bids with all of their auctions, in category 10.
-- name: q20
SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.date_time AS bid_at, a.item_name, a.description, a.initial_bid, a.reserve,
  a.date_time AS auction_at, a.expires, a.seller, a.category
FROM bid b JOIN auction a ON a.id = b.auction WHERE a.category = 10

-- The number of a bid's channel: known by its name, or part of the URL.
-- name: q21
SELECT * FROM (
  SELECT auction, bidder, price, channel,
    CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE substring(url FROM '[?&]channel_id=([^&]*)') END AS channel_id
  FROM bid) b
WHERE channel_id IS NOT NULL

-- The directories of a bid's URL.
-- name: q22
SELECT auction, bidder, price, channel, split_part(url, '/', 4) AS dir1, split_part(url, '/', 5) AS dir2, split_part(url, '/', 6) AS dir3 FROM bid
