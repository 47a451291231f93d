-- Makes every transaction that adds orders wait 5 ms before it commits, once, holding no processor: the
-- latency of a disk or of a standby that is far away. Constraint triggers run as the transaction
-- commits; the setting belongs to the transaction.
CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('bench.waited', true) IS DISTINCT FROM 'yes' THEN
    PERFORM set_config('bench.waited', 'yes', true), pg_sleep(0.005);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON orders
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
