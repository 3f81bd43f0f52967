-- Functions of one name and meaning on every engine: sql/prelude/README.md. Zones come from ICU, which is part of DuckDB's
-- usual builds.
SET TimeZone = 'UTC';

CREATE OR REPLACE MACRO local_time("time", zone) AS timezone(zone, CAST("time" AS TIMESTAMPTZ));

CREATE OR REPLACE MACRO seconds_between(a, b) AS
  CAST(epoch_us(CAST(b AS TIMESTAMPTZ)) - epoch_us(CAST(a AS TIMESTAMPTZ)) AS DOUBLE) / 1e6::DOUBLE;

CREATE OR REPLACE MACRO iso_weekday("time") AS CAST(isodow("time") AS INTEGER);

CREATE OR REPLACE MACRO bucket("time", minutes) AS
  CASE
    WHEN minutes BETWEEN 1 AND 1440
      THEN date_trunc('day', "time") + to_minutes(CAST((hour("time") * 60 + minute("time")) // minutes * minutes AS BIGINT))
    WHEN minutes IS NOT NULL THEN error('bucket takes 1 to 1440 minutes, found ' || minutes)
  END;

-- The built-in json_keys fails on what is no JSON and gives an empty list for what is no object.
CREATE OR REPLACE MACRO json_keys(text) AS
  CASE WHEN json_valid(text) AND json_type(text) = 'OBJECT' THEN system.main.json_keys(text) END;

-- `$['name']` is written `$."name"` here.
CREATE OR REPLACE MACRO json_value(text, path) AS
  CASE
    WHEN json_valid(text) THEN json_extract_string(text, replace(replace(path, '[''', '."'), ''']', '"'))
  END;

CREATE OR REPLACE MACRO json_members(text) AS (
  SELECT list({
    'key': key,
    'kind': CASE
      WHEN kind = 'VARCHAR' AND CAST(value AS VARCHAR) = '""' THEN 'empty text'
      WHEN kind = 'VARCHAR' THEN 'text'
      WHEN kind = 'OBJECT' THEN 'object'
      WHEN kind = 'ARRAY' THEN 'list'
      WHEN kind = 'BOOLEAN' THEN 'boolean'
      WHEN kind = 'NULL' THEN 'null'
      ELSE 'number'
    END
  })
  FROM (
    SELECT key, last(type ORDER BY id) AS kind, last(value ORDER BY id) AS value
    FROM json_each(CASE WHEN json_valid(text) AND json_type(text) = 'OBJECT' THEN text END)
    GROUP BY key
  ) AS members
);
