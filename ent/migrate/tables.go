package main

import (
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
)

// byBytes are the columns that are compared and sorted byte by byte on Postgres, as on SQLite: so
// that lists of all shards merge, and indexes don't depend on the language of a server. ent's own
// annotation would name the collation to SQLite too, which has none of that name.
var byBytes = map[string]bool{"saga_key": true, "sku": true, "customer_id": true, "number": true, "source": true}

// tables gives what ent generated, with what it cannot say.
func tables(name string, generated []*schema.Table) []*schema.Table {
	if name != dialect.Postgres {
		return generated
	}
	for _, table := range generated {
		for _, column := range table.Columns {
			if column.Type == field.TypeString && byBytes[column.Name] {
				column.SchemaType = map[string]string{dialect.Postgres: "text"}
				column.Collation = "C"
			}
		}
	}
	return generated
}
