#!/bin/sh
# Temporal's two databases: made if they are missing, brought to this version's schema, and left alone if they have it.
set -eu
schema=/etc/temporal/schema/postgresql/v12
for name in temporal visibility; do
  database=temporal
  [ "$name" = visibility ] && database=temporal_visibility
  temporal-sql-tool --database "$database" create-database
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-dir "$schema/$name/versioned"
done
