-- Changes of orders in the inbox, by their order: whoever awards the order looks for them.
CREATE INDEX inbox_change ON inbox (order_source, order_id) WHERE kind = 'amendment' AND state = 'ready';
