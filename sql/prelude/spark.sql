-- Functions of one name and meaning on every engine: sql/prelude/README.md. Spark's functions have one type each, so here
-- `bucket` gives a timestamp without zone whatever it is given.
SET TIME ZONE 'UTC';

-- Else a JSON object that has a key twice is no JSON.
SET spark.sql.variant.allowDuplicateKeys = true;

CREATE OR REPLACE TEMPORARY FUNCTION local_time(time TIMESTAMP, zone STRING) RETURNS TIMESTAMP_NTZ
  RETURN convert_timezone('UTC', zone, CAST(time AS TIMESTAMP_NTZ));

CREATE OR REPLACE TEMPORARY FUNCTION seconds_between(a TIMESTAMP, b TIMESTAMP) RETURNS DOUBLE
  RETURN CAST(unix_micros(b) - unix_micros(a) AS DOUBLE) / 1e6D;

CREATE OR REPLACE TEMPORARY FUNCTION iso_weekday(time TIMESTAMP) RETURNS INT
  RETURN weekday(time) + 1;

CREATE OR REPLACE TEMPORARY FUNCTION bucket(time TIMESTAMP_NTZ, minutes INT) RETURNS TIMESTAMP_NTZ
  RETURN CASE
    WHEN minutes BETWEEN 1 AND 1440
      THEN CAST(date_trunc('DAY', time) AS TIMESTAMP_NTZ)
        + make_dt_interval(0, 0, (hour(time) * 60 + minute(time)) DIV minutes * minutes)
    WHEN minutes IS NOT NULL THEN raise_error('bucket takes 1 to 1440 minutes, found ' || minutes)
  END;

CREATE OR REPLACE TEMPORARY FUNCTION json_keys(text STRING) RETURNS ARRAY<STRING>
  RETURN json_object_keys(text);

CREATE OR REPLACE TEMPORARY FUNCTION json_value(text STRING, path STRING) RETURNS STRING
  RETURN get_json_object(text, path);

CREATE OR REPLACE TEMPORARY FUNCTION json_members(text STRING) RETURNS ARRAY<STRUCT<key: STRING, kind: STRING>>
  RETURN transform(
    map_entries(try_variant_get(try_parse_json(text), '$', 'MAP<STRING, VARIANT>')),
    member -> named_struct(
      'key', member.key,
      'kind', CASE
        WHEN is_variant_null(member.value) THEN 'null'
        WHEN schema_of_variant(member.value) = 'STRING' AND CAST(member.value AS STRING) = '' THEN 'empty text'
        WHEN schema_of_variant(member.value) = 'STRING' THEN 'text'
        WHEN schema_of_variant(member.value) LIKE 'OBJECT%' THEN 'object'
        WHEN schema_of_variant(member.value) LIKE 'ARRAY%' THEN 'list'
        WHEN schema_of_variant(member.value) = 'BOOLEAN' THEN 'boolean'
        ELSE 'number'
      END
    )
  );
